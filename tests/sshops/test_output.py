"""Output against the golden vectors, and against a terminal."""

import json
import random
from pathlib import Path

import pytest

from sshops.output import MESSAGE_CHARACTERS, Output
from sshops.stop_phrase import StopPhrase
from tests.sshops.screen import Screen

VECTORS = json.loads(
    (Path(__file__).parent / "output_vectors.json").read_text(encoding="utf-8")
)["vectors"]
QUIET = 0.35


def sent(chunks, throttle, phrase="", quiet=QUIET):
    """Return the messages that reads lead to, and whether the phrase was found."""
    output, stop = Output(throttle), StopPhrase(phrase)
    messages, now = [], 0.0

    def wait_until(moment):
        nonlocal messages
        while output.due is not None and output.due <= moment:
            messages += output.flush(output.due)

    for now, data in chunks:
        wait_until(now)
        text = output.text_of(data)
        messages += output.feed(text, now)
        if stop.is_in(text):
            return messages + output.end(), True
    wait_until(now + quiet)
    return messages + output.end(), False


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector(vector):
    chunks = [(at, bytes.fromhex(data)) for at, data in vector["chunks"]]

    messages, stops = sent(chunks, vector["throttle_interval"], vector["stop_phrase"])

    assert messages == vector["product"]
    assert stops == vector["product_stops"]


PIECES = [
    *("a", "bc", "def", "한", "글자", "e\u0301", " ", "50%", "#####"),
    *("\r", "\r", "\r", "\n", "\r\n", "\r\r\n", "\t", "\b", "\x07"),
    *("\x1b[K", "\x1b[0K", "\x1b[2K", "\x1b[1K", "\x1b[32m", "\x1b[0m", "\x1b[m"),
    *("\x1b[1;31m", "\x1b[2C", "\x1b[44m"),
]


@pytest.mark.parametrize("seed", range(10))
def test_a_terminal_shows_the_same_as_without_us(seed):
    chance = random.Random(seed)
    for _ in range(200):
        compare(chance)


def compare(chance):
    data = "".join(chance.choices(PIECES, k=chance.randint(1, 60))).encode()
    cuts = sorted(chance.choices(range(len(data) + 1), k=chance.randint(0, 20)))
    reads = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    now, chunks = 0.0, []
    for read in reads:
        now += chance.choice([0, 0.01, 0.06, 0.2])
        chunks.append((now, read))

    messages, _stops = sent(chunks, chance.choice([0, 0.1, 1]))

    through_us, direct = Screen(), Screen()
    through_us.feed("".join(messages))
    direct.feed(data.decode())
    assert through_us.shown() == direct.shown()


def test_messages_are_of_a_bounded_length():
    text = "é" * (3 * MESSAGE_CHARACTERS + 5)

    messages, _stops = sent([(0, text.encode())], 1)

    assert "".join(messages) == text
    assert max(map(len, messages)) <= MESSAGE_CHARACTERS


@pytest.mark.parametrize("flood", ["\r", "\x1b[" + "1;" * 9, "\x1b", "x\r"])
def test_nothing_is_kept_for_ever(flood):
    output = Output(10)

    for _ in range(200_000 // len(flood)):
        output.feed(flood, 0)

    assert len(output.pending) <= MESSAGE_CHARACTERS


def test_a_full_message_goes_out_before_its_time():
    output = Output(5)
    output.feed("first", 0)

    assert output.feed("x" * (MESSAGE_CHARACTERS - 1), 0.1) == []
    assert output.feed("yz", 0.2) == ["x" * (MESSAGE_CHARACTERS - 1) + "y"]
    assert output.end() == ["z"]


@pytest.mark.parametrize(
    "texts",
    [
        ["DONE"],
        ["xxDO", "NExx"],
        ["D", "O", "N", "E"],
        ["\x1b]0;title\x07DO\x1b[1mNE"],
        ["DO\x1b]0;tit", "le\x07NE"],
        ["DO\x1b", "[3", "1mNE"],
        ["DO\x1b(BNE"],
        ["DO\r", "NE"],
    ],
)
def test_a_phrase_is_found_as_it_reads(texts):
    stop = StopPhrase("DONE")

    assert [stop.is_in(text) for text in texts][-1] is True


@pytest.mark.parametrize("texts", [["DO\nNE"], ["done"], ["DO NE"], ["DO", "\n", "NE"]])
def test_a_phrase_is_not_found_in_what_reads_otherwise(texts):
    stop = StopPhrase("DONE")

    assert not any(stop.is_in(text) for text in texts)


def test_without_a_phrase_nothing_is_found():
    assert not StopPhrase("").is_in("anything")
