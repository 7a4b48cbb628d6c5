"""Bytes to dataclasses and back, at the server's end of the vehicles' binary protocol.

All frames are little-endian without padding: a type byte, the body, and as the last 16
bytes the beginning of HMAC-SHA256 over everything before them. Two kinds of id travel,
and never in the same frame unless both are named: `vehicle_id` (any uint32, the
vehicle's own) towards vehicles, `id` (the database's) towards dashboards. Coordinates
are binary32 metres of the map's local system. `client_packets` is the other end.
"""

from dataclasses import dataclass
from enum import IntEnum
from itertools import starmap
from math import isfinite
from struct import Struct

from roadblock.signing import HMAC_BYTES, is_signed, signed

# Vehicle to server
REGISTRATION = 0xA0
POSITION_REPORT = COLLISION_NOTICE = 0x13  # told apart by their lengths
STATUS_REPORT = 0x12
CONFIRMED = 0x16  # an order: "I shall", and
REFUSED_ORDER = 0x17  # "I cannot"
CATCH = 0xFE  # to dashboards also, with database ids
FAILED = 0xFD  # likewise

# Server to vehicle
NACK = 0x02
ACCEPTED = 0xA1
CHASE_STARTED_FOR_VEHICLES = 0xFF
RUNNER_POSITION = 0x14
CAUGHT = 0xFC
CATCH_FAILED_FOR_VEHICLES = 0xFB
PLACEMENT = 0x15

# Server to dashboard
REGISTERED = 0xA2
POSITIONS = 0x11
STATUS = 0x10
CHASE_STARTED = 0xF0
SYSTEM_ERROR = 0x03
REMOVED = 0xA3
CHASE_CLOSED = 0xF1

POLICE, RUNNER = 0, 1
LEVELS = ("normal", "half_destroyed", "complete_destroyed")  # at the index on the wire
FULL_FUEL = 100  # percent

NAME_BYTES = 10

CODE = Struct("<BB")
ONE_ID = Struct("<BI")
TWO_IDS = Struct("<BII")
COMMAND = Struct("<I")
REGISTRATION_BODY = Struct(f"<BIB{NAME_BYTES}s")
POSITION_BODY = Struct("<BIff")
STATUS_BODY = Struct("<BIBBB")
COLLISION_BODY = Struct("<BIB")
LEGACY_POSITION_BODY = Struct("<Iff")
PLACEMENT_BODY = Struct("<BIIfff")
REGISTERED_BODY = Struct(f"<BIIB{NAME_BYTES}s")
POSITIONS_HEAD = Struct("<BII")
POSITION_RECORD = Struct("<Iff")
CHASE_STARTED_BODY = Struct("<BIBf")
COUNTER = Struct("<Q")


class Nack(IntEnum):
    """Why a frame was refused, as the sender is told."""

    FORMAT = 1  # length, HMAC, or a field out of its range
    DUPLICATE = 2  # the name of another vehicle
    COORDINATE = 3  # NaN or infinite
    DATA = 4  # an unknown or unfit vehicle
    INTERNAL = 100
    DATABASE = 101


class Refused(Exception):
    """The frame is not to be acted upon; `code` is the Nack for its sender."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Registration:
    """0xA0: a vehicle announces itself; vehicle_type is POLICE or RUNNER."""

    vehicle_id: int
    vehicle_type: int
    car_name: str
    counter: int | None = None


@dataclass(slots=True)
class PositionReport:
    """0x13: where a vehicle is, in finite metres."""

    vehicle_id: int
    x: float
    y: float
    counter: int | None = None


@dataclass(slots=True)
class StatusReport:
    """0x12: fuel in percent, collisions so far (0..255), level 0..2 (see LEVELS)."""

    vehicle_id: int
    fuel: int
    collision_count: int
    level: int
    counter: int | None = None


@dataclass(slots=True)
class CatchReport:
    """0xFE, 0xFD: a chase ended ("catch") or an attempt missed ("failed")."""

    kind: str
    catcher_vehicle_id: int
    runner_vehicle_id: int
    counter: int | None = None


@dataclass(slots=True)
class OrderReport:
    """0x16, 0x17: a vehicle will take its post, or cannot; `command` names the order.

    That is the number in the first four bytes of the order's own signature.
    """

    vehicle_id: int
    command: int
    is_refusal: bool
    counter: int | None = None


@dataclass(slots=True)
class CollisionNotice:
    """The 22-byte 0x13 of police cars in service; nothing follows from it."""

    vehicle_id: int
    collision_count: int
    counter: int | None = None


# Vehicle to server


def parse(frame, key_of):
    """Return what a vehicle's frame says, its signature and every field checked.

    `frame` is bytes. `key_of(vehicle_id)` gives the key (bytes) that vehicle signs
    with. A report of a catch may be signed by the runner or by the catcher. The answer
    is one of the dataclasses above; or None for what callers pass over in silence: an
    empty frame, and the 28-byte position without a type byte that very old clients
    send.

    Each frame may carry a counter, our extension against replays: a u64 between body
    and HMAC, eight bytes longer, the HMAC over all before it. The caller finds it as
    `counter` (None when absent) and decides whether it must be there, and be higher
    than the vehicle's last.

    Raises Refused: FORMAT for an unknown type, a wrong length, HMAC, name or vehicle
    type, a level above 2, fuel above 100; COORDINATE for NaN or infinity.
    """
    if not frame:
        return None
    read = _READERS.get((frame[0], len(frame)))
    if read is None:
        return _pass_over_legacy_position(frame, key_of)
    return read(frame, key_of)


def _read_registration(frame, key_of):
    _, vehicle_id, vehicle_type, name = REGISTRATION_BODY.unpack_from(frame)
    _check(frame, key_of(vehicle_id))
    name = name.partition(b"\0")[0]
    if not name or vehicle_type not in (POLICE, RUNNER):
        raise Refused(Nack.FORMAT)
    try:
        name = name.decode()
    except UnicodeDecodeError:
        raise Refused(Nack.FORMAT) from None
    counter = _counter(frame, REGISTRATION_BODY)
    return Registration(vehicle_id, vehicle_type, name, counter)


def _read_position(frame, key_of):
    _, vehicle_id, x, y = POSITION_BODY.unpack_from(frame)
    _check(frame, key_of(vehicle_id))
    if not (isfinite(x) and isfinite(y)):
        raise Refused(Nack.COORDINATE)
    return PositionReport(vehicle_id, x, y, _counter(frame, POSITION_BODY))


def _read_status(frame, key_of):
    _, vehicle_id, fuel, collisions, level = STATUS_BODY.unpack_from(frame)
    _check(frame, key_of(vehicle_id))
    if fuel > FULL_FUEL or level >= len(LEVELS):
        raise Refused(Nack.FORMAT)
    counter = _counter(frame, STATUS_BODY)
    return StatusReport(vehicle_id, fuel, collisions, level, counter)


def _read_catch(frame, key_of):
    frame_type, catcher, runner = TWO_IDS.unpack_from(frame)
    if not is_signed(key_of(runner), frame):
        _check(frame, key_of(catcher))
    kind = "catch" if frame_type == CATCH else "failed"
    return CatchReport(kind, catcher, runner, _counter(frame, TWO_IDS))


def _read_order(frame, key_of):
    frame_type, vehicle_id, command = TWO_IDS.unpack_from(frame)
    _check(frame, key_of(vehicle_id))
    refused = frame_type == REFUSED_ORDER
    return OrderReport(vehicle_id, command, refused, _counter(frame, TWO_IDS))


def _read_collision(frame, key_of):
    _, vehicle_id, collisions = COLLISION_BODY.unpack_from(frame)
    _check(frame, key_of(vehicle_id))
    return CollisionNotice(vehicle_id, collisions, _counter(frame, COLLISION_BODY))


def _pass_over_legacy_position(frame, key_of):
    if len(frame) != LEGACY_POSITION_BODY.size + HMAC_BYTES:
        raise Refused(Nack.FORMAT)
    vehicle_id, _, _ = LEGACY_POSITION_BODY.unpack_from(frame)
    _check(frame, key_of(vehicle_id))


def _check(frame, key):
    if not is_signed(key, frame):
        raise Refused(Nack.FORMAT)


def _counter(frame, body):
    if len(frame) == body.size + HMAC_BYTES:
        return None
    return COUNTER.unpack_from(frame, body.size)[0]


_READERS = {
    (frame_type, body.size + counter_bytes + HMAC_BYTES): read
    for frame_type, body, read in (
        (REGISTRATION, REGISTRATION_BODY, _read_registration),
        (POSITION_REPORT, POSITION_BODY, _read_position),
        (STATUS_REPORT, STATUS_BODY, _read_status),
        (CATCH, TWO_IDS, _read_catch),
        (FAILED, TWO_IDS, _read_catch),
        (CONFIRMED, TWO_IDS, _read_order),
        (REFUSED_ORDER, TWO_IDS, _read_order),
        (COLLISION_NOTICE, COLLISION_BODY, _read_collision),
    )
    for counter_bytes in (0, COUNTER.size)
}


# Server to vehicle: each returns the signed frame


def nack(key, code):
    """0x02: a frame of yours was refused, for this Nack."""
    return signed(key, CODE.pack(NACK, code))


def accepted(key, vehicle_id):
    """0xA1: your registration counts."""
    return signed(key, ONE_ID.pack(ACCEPTED, vehicle_id))


def chase_started_for_vehicles(key, runner_vehicle_id):
    """0xFF: drive, this runner is to be chased."""
    return signed(key, ONE_ID.pack(CHASE_STARTED_FOR_VEHICLES, runner_vehicle_id))


def runner_position(key, runner_vehicle_id, x, y):
    """0x14: where the runner is."""
    return signed(key, POSITION_BODY.pack(RUNNER_POSITION, runner_vehicle_id, x, y))


def caught(key, catcher_vehicle_id, runner_vehicle_id):
    """0xFC: stop, the runner is caught."""
    return signed(key, TWO_IDS.pack(CAUGHT, catcher_vehicle_id, runner_vehicle_id))


def catch_failed_for_vehicles(key, catcher_vehicle_id, runner_vehicle_id):
    """0xFB: an attempt to catch missed."""
    ids = catcher_vehicle_id, runner_vehicle_id
    return signed(key, TWO_IDS.pack(CATCH_FAILED_FOR_VEHICLES, *ids))


def placement(key, police_vehicle_id, runner_vehicle_id, x, y, heading):
    """0x15: block the road here; heading in degrees counter-clockwise from +x."""
    ids = police_vehicle_id, runner_vehicle_id
    return signed(key, PLACEMENT_BODY.pack(PLACEMENT, *ids, x, y, heading))


def command_of(frame):
    """Return the number that names the order in a 0x15 frame."""
    return COMMAND.unpack_from(frame, PLACEMENT_BODY.size)[0]


# Server to dashboard: each returns the signed frame, all ids but one the database's


def registered(key, id, vehicle_id, vehicle_type, car_name):
    """0xA2: a vehicle is there; a long name is cut at a character's end."""
    name = cut_name(car_name)
    body = REGISTERED_BODY.pack(REGISTERED, id, vehicle_id, vehicle_type, name)
    return signed(key, body)


def positions(key, map_id, records):
    """0x11: where vehicles are on one map.

    `records` is an iterable of (id, x, y), or their POSITION_RECORDs as one bytes.
    """
    if not isinstance(records, bytes):
        records = b"".join(starmap(POSITION_RECORD.pack, records))
    count = len(records) // POSITION_RECORD.size
    return signed(key, POSITIONS_HEAD.pack(POSITIONS, map_id, count) + records)


def records_of(frame):
    """Return the (id, POSITION_RECORD bytes) of each vehicle in a 0x11 frame."""
    size = POSITION_RECORD.size
    for start in range(POSITIONS_HEAD.size, len(frame) - HMAC_BYTES, size):
        record = frame[start : start + size]
        yield int.from_bytes(record[:4], "little"), record


def status(key, id, fuel, collision_count, level):
    """0x10: how a police car is. The wire has another order here than in 0x12."""
    return signed(key, STATUS_BODY.pack(STATUS, id, collision_count, level, fuel))


def chase_started(key, runner_id, epoch):
    """0xF0: a runner is on the run since epoch, Unix seconds good to about a minute."""
    running = 0
    return signed(
        key, CHASE_STARTED_BODY.pack(CHASE_STARTED, runner_id, running, epoch)
    )


def catch(key, catcher_id, runner_id):
    """0xFE: the runner is caught."""
    return signed(key, TWO_IDS.pack(CATCH, catcher_id, runner_id))


def catch_failed(key, catcher_id, runner_id):
    """0xFD: an attempt to catch missed."""
    return signed(key, TWO_IDS.pack(FAILED, catcher_id, runner_id))


def system_error(key, code):
    """0x03: Nack.INTERNAL or Nack.DATABASE."""
    return signed(key, CODE.pack(SYSTEM_ERROR, code))


def removed(key, id):
    """0xA3, ours: the vehicle is gone."""
    return signed(key, ONE_ID.pack(REMOVED, id))


def chase_closed(key, runner_id):
    """0xF1, ours: the chase is over without a catch."""
    return signed(key, ONE_ID.pack(CHASE_CLOSED, runner_id))


def cut_name(name):
    """Return the name's UTF-8, at most NAME_BYTES of it and only whole characters."""
    return name.encode()[:NAME_BYTES].decode(errors="ignore").encode()
