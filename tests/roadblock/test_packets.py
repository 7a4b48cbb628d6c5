import hmac
import math
import random

import pytest

from roadblock import client_packets, packets, signing
from roadblock.packets import (
    CatchReport,
    Nack,
    PositionReport,
    Refused,
    Registration,
    StatusReport,
)

KEY = b"test-secret"
EVERY_FRAME = {
    "registration": client_packets.registration(KEY, 7, packets.POLICE, "경찰차1"),
    "position": client_packets.position(KEY, 7, 1.5, -2.5),
    "status": client_packets.status(KEY, 7, 80, 255, 2),
    "catch": client_packets.catch_report(KEY, 7, 8),
    "failed": client_packets.failed_report(KEY, 7, 8),
    "collision": client_packets.collision_notice(KEY, 7, 3),
    "registration counted": client_packets.registration(KEY, 7, 1, "R", 1),
    "position counted": client_packets.position(KEY, 7, 1.5, -2.5, 2),
    "status counted": client_packets.status(KEY, 7, 80, 1, 1, 2**64 - 1),
    "catch counted": client_packets.catch_report(KEY, 7, 8, 4),
    "failed counted": client_packets.failed_report(KEY, 7, 8, 5),
    "collision counted": client_packets.collision_notice(KEY, 7, 3, 6),
}


def key_of(_vehicle_id):
    return KEY


def refusal(frame, keys=key_of):
    with pytest.raises(Refused) as refused:
        packets.parse(frame, keys)
    return refused.value.code


def sign(body):
    return body + hmac.digest(KEY, body, "sha256")[:16]


# Server's frames beyond the recording


def test_positions_from_packed_records():
    record = packets.POSITION_RECORD.pack

    frame = packets.positions(KEY, 4, record(1, 10.5, -20.25) + record(2, 1.5, 2.5))

    assert frame == packets.positions(KEY, 4, [(1, 10.5, -20.25), (2, 1.5, 2.5)])


def test_no_positions():
    frame = packets.positions(KEY, 1, [])

    assert len(frame) == 25
    assert client_packets.decode(frame, KEY).records == []


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("POLICE_1", "POLICE_1"),
        ("Patrol seven", "Patrol sev"),
        ("경찰차1호", "경찰차1"),
        ("경찰순찰차", "경찰순"),
        ("", ""),
    ],
)
def test_name_is_cut_at_a_characters_end(name, sent):
    frame = packets.registered(KEY, 1, 2**32 - 1, packets.RUNNER, name)

    said = client_packets.decode(frame, KEY)

    assert len(frame) == 36
    assert said.car_name == sent
    assert said.vehicle_id == 2**32 - 1


def test_placement():
    frame = packets.placement(KEY, 3, 12, 1.5, -2.5, 90)

    assert len(frame) == 37
    assert client_packets.decode(frame, KEY) == client_packets.Placement(
        packets.PLACEMENT, 3, 12, 1.5, -2.5, 90
    )


@pytest.mark.parametrize(
    ("build", "frame_type"), [(packets.removed, 0xA3), (packets.chase_closed, 0xF1)]
)
def test_our_own_dashboard_frames(build, frame_type):
    frame = build(KEY, 5)

    assert len(frame) == 21
    assert client_packets.decode(frame, KEY) == client_packets.Named(frame_type, 5)


def test_decode_refuses_a_forged_signature():
    frame = packets.accepted(KEY, 3)

    with pytest.raises(Refused):
        client_packets.decode(frame, b"another key")
    assert client_packets.decode(frame).id == 3


# Signatures


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 200])
def test_signature_is_hmac_sha256(length):
    key = random.Random(length).randbytes(length)

    for message in (b"", b"\x13", bytes(range(256)) * 50):
        expected = hmac.digest(key, message, "sha256")[:16]
        assert signing.signature(key, message) == expected


def test_each_vehicle_may_have_its_own_key():
    keys = {7: b"seven", 8: b"eight"}
    frame = client_packets.position(b"seven", 7, 1, 2)

    assert packets.parse(frame, keys.get) == PositionReport(7, 1, 2)
    assert refusal(client_packets.position(b"seven", 8, 1, 2), keys.get) == 1


@pytest.mark.parametrize("signer", [b"catcher", b"runner"])
def test_catcher_or_runner_signs_a_catch(signer):
    keys = {7: b"catcher", 8: b"runner"}
    frame = client_packets.catch_report(signer, 7, 8)

    assert packets.parse(frame, keys.get) == CatchReport("catch", 7, 8)


def test_nobody_else_signs_a_catch():
    keys = {7: b"catcher", 8: b"runner"}

    assert refusal(client_packets.catch_report(b"passer-by", 7, 8), keys.get) == 1


# Counters


@pytest.mark.parametrize("name", EVERY_FRAME)
def test_counter_is_found(name):
    expected = {
        "registration counted": 1,
        "position counted": 2,
        "status counted": 2**64 - 1,
        "catch counted": 4,
        "failed counted": 5,
        "collision counted": 6,
    }

    packet = packets.parse(EVERY_FRAME[name], key_of)

    assert packet.counter == expected.get(name)


def test_counter_is_signed():
    frame = bytearray(EVERY_FRAME["position counted"])
    frame[13] += 1

    assert refusal(bytes(frame)) == Nack.FORMAT


# Refusals


@pytest.mark.parametrize(
    "name",
    [
        b"\xea\xb2\xbd\xec\xb0\xb0\xec\xb0\xa8\xed",  # cut inside a character
        b"\xff" * 10,
        b"\xed\xa0\x80" + bytes(7),  # a surrogate
        bytes(10),
        b"\0GHOST\0\0\0\0",
    ],
)
def test_bad_name(name):
    assert refusal(sign(b"\xa0\7\0\0\0\0" + name)) == Nack.FORMAT


@pytest.mark.parametrize(
    ("padded", "name"),
    [
        (b"AB\0CD\0\0\0\0\0", "AB"),
        (b" AB \0\0\0\0\0\0", " AB "),
        (b"0123456789", "0123456789"),
    ],
)
def test_name_ends_at_the_first_zero(padded, name):
    packet = packets.parse(sign(b"\xa0\7\0\0\0\1" + padded), key_of)

    assert packet == Registration(7, packets.RUNNER, name)


@pytest.mark.parametrize("vehicle_type", [2, 3, 255])
def test_bad_vehicle_type(vehicle_type):
    frame = client_packets.registration(KEY, 7, vehicle_type, "X")

    assert refusal(frame) == Nack.FORMAT


@pytest.mark.parametrize(
    ("fuel", "level", "code"),
    [(100, 2, None), (101, 0, 1), (255, 0, 1), (0, 3, 1), (0, 255, 1)],
)
def test_status_ranges(fuel, level, code):
    frame = client_packets.status(KEY, 7, fuel, 255, level)

    if code is None:
        assert packets.parse(frame, key_of) == StatusReport(7, fuel, 255, level)
    else:
        assert refusal(frame) == code


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("counter", [None, 1])
def test_coordinates_are_finite(number, counter):
    for x, y in ((number, 0), (0, number)):
        frame = client_packets.position(KEY, 7, x, y, counter)
        assert refusal(frame) == Nack.COORDINATE


def test_signature_is_checked_before_coordinates():
    frame = client_packets.position(b"another key", 7, math.nan, 0)

    assert refusal(frame) == Nack.FORMAT


def test_greatest_vehicle_id():
    frame = client_packets.position(KEY, 2**32 - 1, 0, 0)

    assert packets.parse(frame, key_of).vehicle_id == 2**32 - 1


def test_unknown_type():
    for frame_type in set(range(256)) - {0xA0, 0x13, 0x12, 0xFE, 0xFD}:
        for length in (0, 5, 9, 13):
            assert refusal(sign(bytes([frame_type]) + bytes(length))) == Nack.FORMAT


def test_empty_frame_is_passed_over():
    assert packets.parse(b"", key_of) is None


def test_forged_legacy_position():
    frame = bytes(12) + bytes(16)

    assert refusal(frame) == Nack.FORMAT


def test_legacy_position_may_begin_with_any_type():
    for first in range(256):
        frame = sign(bytes([first]) + bytes(11))
        assert packets.parse(frame, key_of) is None


@pytest.mark.parametrize("name", EVERY_FRAME)
def test_any_length_but_the_right_one(name):
    frame = EVERY_FRAME[name]

    for length in range(1, len(frame)):
        assert refusal(frame[:length]) == Nack.FORMAT
    for more in range(1, 20):
        assert refusal(frame + bytes(more)) == Nack.FORMAT


@pytest.mark.parametrize("name", EVERY_FRAME)
def test_any_bit_flipped(name):
    frame = EVERY_FRAME[name]

    for position in range(len(frame)):
        for bit in range(8):
            forged = bytearray(frame)
            forged[position] ^= 1 << bit
            assert refusal(bytes(forged)) == Nack.FORMAT


def test_junk():
    dice = random.Random(20251)
    types = bytes([0xA0, 0x13, 0x12, 0xFE, 0xFD])
    for _ in range(10_000):
        frame = dice.randbytes(dice.randrange(1, 60))
        if dice.random() < 0.5:
            frame = bytes([dice.choice(types)]) + frame
        assert refusal(frame) == Nack.FORMAT
        with pytest.raises(Refused):
            client_packets.decode(frame, KEY)


def test_signed_junk():
    dice = random.Random(20252)
    for name, frame in EVERY_FRAME.items():
        for _ in range(500):
            body = frame[:1] + dice.randbytes(len(frame) - 17)
            try:
                packet = packets.parse(sign(body), key_of)
            except Refused as refused:
                assert refused.code in (Nack.FORMAT, Nack.COORDINATE)  # noqa: PT017
            else:
                assert type(packet) is type(packets.parse(EVERY_FRAME[name], key_of))


def test_frame_may_be_any_buffer():
    frame = EVERY_FRAME["position"]

    assert packets.parse(memoryview(frame), key_of) == PositionReport(7, 1.5, -2.5)
    assert packets.parse(bytearray(frame), key_of) == PositionReport(7, 1.5, -2.5)
