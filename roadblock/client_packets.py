"""The protocol's other end: what a vehicle builds, what vehicles and dashboards read.

The server has no use for it; the simulator, the tests and the benchmarks have.
"""

from dataclasses import dataclass

from roadblock import packets
from roadblock.packets import HMAC_BYTES, Nack, Refused, signed

# A vehicle's frames: each returns the signed frame, with the optional counter in it


def registration(key, vehicle_id, vehicle_type, car_name, counter=None):
    """0xA0: vehicle_type is packets.POLICE or RUNNER; a long name is cut."""
    name = packets.cut_name(car_name)
    body = packets.REGISTRATION_BODY
    head = body.pack(packets.REGISTRATION, vehicle_id, vehicle_type, name)
    return signed(key, head + _packed(counter))


def position(key, vehicle_id, x, y, counter=None):
    """0x13: metres of the map's local system."""
    body = packets.POSITION_BODY.pack(packets.POSITION_REPORT, vehicle_id, x, y)
    return signed(key, body + _packed(counter))


def status(key, vehicle_id, fuel, collision_count, level, counter=None):
    """0x12: fuel in percent, collisions 0..255, level an index of packets.LEVELS."""
    fields = vehicle_id, fuel, collision_count, level
    body = packets.STATUS_BODY.pack(packets.STATUS_REPORT, *fields)
    return signed(key, body + _packed(counter))


def catch_report(key, catcher_vehicle_id, runner_vehicle_id, counter=None):
    """0xFE: the runner is caught."""
    ids = catcher_vehicle_id, runner_vehicle_id
    return signed(key, packets.TWO_IDS.pack(packets.CATCH, *ids) + _packed(counter))


def order_report(key, vehicle_id, command, is_refusal=False, counter=None):
    """0x16, 0x17: I shall take the post of this order, or cannot."""
    kind = packets.REFUSED_ORDER if is_refusal else packets.CONFIRMED
    body = packets.TWO_IDS.pack(kind, vehicle_id, command)
    return signed(key, body + _packed(counter))


def failed_report(key, catcher_vehicle_id, runner_vehicle_id, counter=None):
    """0xFD: an attempt to catch missed."""
    ids = catcher_vehicle_id, runner_vehicle_id
    return signed(key, packets.TWO_IDS.pack(packets.FAILED, *ids) + _packed(counter))


def collision_notice(key, vehicle_id, collision_count, counter=None):
    """The 22-byte 0x13, sent at every collision."""
    fields = packets.COLLISION_NOTICE, vehicle_id, collision_count
    return signed(key, packets.COLLISION_BODY.pack(*fields) + _packed(counter))


def _packed(counter):
    return b"" if counter is None else packets.COUNTER.pack(counter)


# The server's frames


@dataclass(slots=True)
class Coded:
    """0x02, 0x03: code is a packets.Nack."""

    type: int
    code: int


@dataclass(slots=True)
class Named:
    """A frame about one car: vehicle_id in 0xA1 and 0xFF, database id in 0xA3, 0xF1."""

    type: int
    id: int


@dataclass(slots=True)
class Pair:
    """Two cars: vehicle_ids in 0xFC and 0xFB, database ids in 0xFE and 0xFD."""

    type: int
    catcher: int
    runner: int


@dataclass(slots=True)
class RunnerPosition:
    """0x14."""

    type: int
    vehicle_id: int
    x: float
    y: float


@dataclass(slots=True)
class Placement:
    """0x15; heading in degrees counter-clockwise from +x."""

    type: int
    police_vehicle_id: int
    runner_vehicle_id: int
    x: float
    y: float
    heading: float


@dataclass(slots=True)
class Registered:
    """0xA2."""

    type: int
    id: int
    vehicle_id: int
    vehicle_type: int
    car_name: str


@dataclass(slots=True)
class Positions:
    """0x11; records is a list of (id, x, y)."""

    type: int
    map_id: int
    records: list


@dataclass(slots=True)
class Status:
    """0x10."""

    type: int
    id: int
    collision_count: int
    level: int
    fuel: int


@dataclass(slots=True)
class ChaseStarted:
    """0xF0; epoch in Unix seconds, rounded to binary32."""

    type: int
    runner_id: int
    status: int
    epoch: float


_LAYOUTS = {
    packets.NACK: (packets.CODE, Coded),
    packets.SYSTEM_ERROR: (packets.CODE, Coded),
    packets.ACCEPTED: (packets.ONE_ID, Named),
    packets.CHASE_STARTED_FOR_VEHICLES: (packets.ONE_ID, Named),
    packets.REMOVED: (packets.ONE_ID, Named),
    packets.CHASE_CLOSED: (packets.ONE_ID, Named),
    packets.CAUGHT: (packets.TWO_IDS, Pair),
    packets.CATCH_FAILED_FOR_VEHICLES: (packets.TWO_IDS, Pair),
    packets.CATCH: (packets.TWO_IDS, Pair),
    packets.FAILED: (packets.TWO_IDS, Pair),
    packets.RUNNER_POSITION: (packets.POSITION_BODY, RunnerPosition),
    packets.PLACEMENT: (packets.PLACEMENT_BODY, Placement),
    packets.REGISTERED: (packets.REGISTERED_BODY, Registered),
    packets.STATUS: (packets.STATUS_BODY, Status),
    packets.CHASE_STARTED: (packets.CHASE_STARTED_BODY, ChaseStarted),
}


def decode(frame, key=None):
    """Return a server's frame as one of the classes above, told apart by `.type`.

    The signature is checked where a key (bytes) is given. Raises Refused(FORMAT) for
    anything that no server sends.
    """
    if len(frame) < packets.CODE.size + HMAC_BYTES:
        raise Refused(Nack.FORMAT)
    if key is not None and not packets.is_signed(key, frame):
        raise Refused(Nack.FORMAT)
    body = frame[:-HMAC_BYTES]
    if body[0] == packets.POSITIONS:
        return _decode_positions(body)
    layout, shape = _LAYOUTS.get(body[0], (None, None))
    if layout is None or layout.size != len(body):
        raise Refused(Nack.FORMAT)
    fields = layout.unpack(body)
    if shape is Registered:
        *fields, name = fields
        fields.append(name.rstrip(b"\0").decode(errors="replace"))
    return shape(*fields)


def _decode_positions(body):
    head, record = packets.POSITIONS_HEAD, packets.POSITION_RECORD
    if len(body) < head.size:
        raise Refused(Nack.FORMAT)
    _, map_id, count = head.unpack_from(body)
    if len(body) != head.size + count * record.size:
        raise Refused(Nack.FORMAT)
    records = list(record.iter_unpack(body[head.size :]))
    return Positions(packets.POSITIONS, map_id, records)
