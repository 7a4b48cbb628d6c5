"""The last bytes of a stream, by their place in the whole."""

import random

from sshops.ring import Ring


def whole(ring, offset, most=7):
    pieces = []
    while piece := ring.read(offset, most):
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def test_it_keeps_the_newest_whatever_comes():
    chance = random.Random(6)
    for size in (1, 2, 10, 64):
        ring, stream = Ring(size), b""
        for _ in range(200):
            data = chance.randbytes(chance.randint(0, 2 * size))
            ring.write(data)
            stream += data
            assert (ring.start, ring.end) == (max(0, len(stream) - size), len(stream))
            assert whole(ring, ring.start) == stream[-size:][: len(stream)]
            middle = chance.randint(ring.start, ring.end)
            assert whole(ring, middle) == stream[middle:]


def test_a_replay_begins_with_a_line():
    ring = Ring(20)
    ring.write(b"first\r\n")
    assert ring.line_start() == 0

    ring.write(b"second\r\nthird\r\nfourth")

    assert whole(ring, ring.line_start()) == b"third\r\nfourth"


def test_without_a_line_break_a_replay_begins_anywhere():
    ring = Ring(4)
    ring.write(b"abcdef")

    assert whole(ring, ring.line_start()) == b"cdef"
