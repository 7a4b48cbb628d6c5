"""The conversation recorded from the original server, read and built again."""

import json
import math
from pathlib import Path

import pytest

from roadblock import client_packets, packets
from roadblock.packets import (
    CatchReport,
    CollisionNotice,
    Nack,
    PositionReport,
    Refused,
    Registration,
    StatusReport,
)

RECORDED = json.loads(Path(__file__).with_name("frames.json").read_text())
KEY = RECORDED["secret"].encode()
ADDITIONS = {
    name: bytes.fromhex(frame)
    for name, frame in RECORDED["additions"].items()
    if name != "note"
}
SENT = [
    pytest.param(bytes.fromhex(step["send"]), step["send_fields"], id=step["name"])
    for step in RECORDED["steps"]
]
RECEIVED = [
    pytest.param(
        bytes.fromhex(frame["hex"]), frame["fields"], id=f"{step['step']} {receiver}"
    )
    for step in RECORDED["steps"]
    for receiver, frames in step["receive"].items()
    for frame in frames
]


def key_of(_vehicle_id):
    return KEY


@pytest.mark.parametrize(("frame", "fields"), SENT)
def test_what_vehicles_sent(frame, fields):
    if frame[-1] == 0:  # the recording's forged signatures
        assert_refused(frame)
        assert client_frame(fields)[:-1] == frame[:-1]
    elif fields.get("status") == 3:
        assert_refused(frame)
        assert client_frame(fields) == frame
    elif "type" not in fields:
        assert packets.parse(frame, key_of) is None
    else:
        assert packets.parse(frame, key_of) == parsed(fields)
        assert client_frame(fields) == frame


def client_frame(fields):
    """Build the frame of a recorded step from its decoded fields."""
    kind, *values = fields.values()
    if kind == "0x13" and "x" not in fields:
        return client_packets.collision_notice(KEY, *values)
    return {
        "0xA0": client_packets.registration,
        "0x13": client_packets.position,
        "0x12": client_packets.status,
        "0xFE": client_packets.catch_report,
        "0xFD": client_packets.failed_report,
    }[kind](KEY, *values)


def parsed(fields):
    kind, *values = fields.values()
    match kind:
        case "0xA0":
            return Registration(*values)
        case "0x12":
            return StatusReport(*values)
        case "0xFE":
            return CatchReport("catch", *values)
        case "0xFD":
            return CatchReport("failed", *values)
    if "x" not in fields:
        return CollisionNotice(*values)
    vehicle_id, x, y = values
    return PositionReport(vehicle_id, binary32(x), binary32(y))


def binary32(number):
    layout = packets.POSITION_RECORD
    return layout.unpack(layout.pack(0, number, 0))[1]


@pytest.mark.parametrize(("frame", "fields"), RECEIVED)
def test_what_the_server_answered(frame, fields):
    said = client_packets.decode(frame, KEY)

    assert f"0x{said.type:02X}" == fields["type"]
    assert server_frame(fields) == frame
    assert decoded_values(said) == recorded_values(fields)


def recorded_values(fields):
    unsent = {"type", "bytes", "hmac_ok", "count"}
    values = [value for name, value in fields.items() if name not in unsent]
    return [
        [tuple(car.values()) for car in value] if isinstance(value, list) else value
        for value in values
    ]


def decoded_values(said):
    return [getattr(said, name) for name in said.__slots__ if name != "type"]


def server_frame(fields):
    """Build the frame of a recorded answer from its decoded fields."""
    values = recorded_values(fields)
    match fields["type"]:
        case "0x10":
            id, collisions, level, fuel = values
            return packets.status(KEY, id, fuel, collisions, level)
        case "0xF0":
            runner_id, _, epoch = values
            return packets.chase_started(KEY, runner_id, epoch)
    return {
        "0x02": packets.nack,
        "0xFF": packets.chase_started_for_vehicles,
        "0x14": packets.runner_position,
        "0xFC": packets.caught,
        "0xFB": packets.catch_failed_for_vehicles,
        "0xA2": packets.registered,
        "0x11": packets.positions,
        "0xFE": packets.catch,
        "0xFD": packets.catch_failed,
    }[fields["type"]](KEY, *values)


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("0xA1 registration accepted, vehicle_id 3", packets.accepted(KEY, 3)),
        ("0x02 code 3 (coordinate)", packets.nack(KEY, Nack.COORDINATE)),
        ("0x03 code 100", packets.system_error(KEY, Nack.INTERNAL)),
        ("0x03 code 101", packets.system_error(KEY, Nack.DATABASE)),
        (
            "0xA0 for vehicle_id 4294967295 police MAXID",
            client_packets.registration(KEY, 2**32 - 1, packets.POLICE, "MAXID"),
        ),
        (
            "0x13 for vehicle_id 3 with x=NaN y=0 (to be refused)",
            client_packets.position(KEY, 3, math.nan, 0),
        ),
        (
            "0x11 with two vehicles (id 1 at 10.5,-20.25; id 2 at 1.5,2.5; map 4)",
            packets.positions(KEY, 4, [(1, 10.5, -20.25), (2, 1.5, 2.5)]),
        ),
    ],
)
def test_additions(name, frame):
    assert frame == ADDITIONS[name]


def test_the_recording_is_used_up():
    assert len(SENT) == 20
    assert len(ADDITIONS) == 7


def assert_refused(frame):
    with pytest.raises(Refused) as refused:
        packets.parse(frame, key_of)
    assert refused.value.code == Nack.FORMAT
