"""The four sockets: what is refused, what is passed over, who is told what."""

import struct
from math import inf, nan

import pytest

from config.realtime import in_thread
from roadblock import client_packets, fleet, packets
from roadblock.models import Event, PoliceCar, Position, Vehicle
from roadblock.packets import Nack
from tests import factories
from tests.roadblock.talk import (
    KEY,
    PATIENCE,
    accepted,
    drive,
    nack,
    named,
    pair,
    register,
    registered,
    say,
    status,
    told,
    told_times,
)

pytestmark = pytest.mark.django_db(transaction=True)

POLICE, RUNNER, RETIRED_POLICE, RETIRED_RUNNER, UNKNOWN = 3, 12, 5, 6, 99


def signed(layout, *fields):
    return packets.signed(KEY, struct.pack("<" + layout, *fields))


def registration(number=9, kind=0, name=b"NEW"):
    return signed("BIB10s", 0xA0, number, kind, name)


def position(number=POLICE, x=1.0, y=2.0):
    return signed("BIff", 0x13, number, x, y)


def condition(number=POLICE, fuel=80, collisions=1, level=1):
    return signed("BIBBB", 0x12, number, fuel, collisions, level)


def event(kind=0xFE, catcher=POLICE, runner=RUNNER):
    return signed("BII", kind, catcher, runner)


def spoilt(name, frame):
    """Return lines of the table for a frame of bad length or bad signature."""
    return {
        f"{name}, too short": (frame[:-1], Nack.FORMAT),
        f"{name}, too long": (frame + b"\0", Nack.FORMAT),
        f"{name}, signature": (frame[:-1] + bytes([frame[-1] ^ 1]), Nack.FORMAT),
        f"{name}, other body": (frame[:4] + b"\7" + frame[5:], Nack.FORMAT),
        f"{name}, nothing signed": (frame[:1], Nack.FORMAT),
    }


REFUSED = {
    "vehicles": {
        **spoilt("registration", registration()),
        **spoilt("position", position()),
        **spoilt("status", condition()),
        "name not UTF-8": (registration(name=b"POLICE_\xea\xb2"), Nack.FORMAT),
        "type 2": (registration(kind=2), Nack.FORMAT),
        "type 255": (registration(kind=255), Nack.FORMAT),
        "empty name": (registration(name=b""), Nack.FORMAT),
        "name after a NUL": (registration(name=b"\0NAME"), Nack.FORMAT),
        "level 3": (condition(level=3), Nack.FORMAT),
        "fuel 101": (condition(fuel=101), Nack.FORMAT),
        "name of another": (registration(name=b"POLICE_2"), Nack.DUPLICATE),
        "number of another": (registration(POLICE), Nack.DATA),
        "number of another type": (registration(POLICE, 1, b"POLICE_2"), Nack.DATA),
        "NaN": (position(x=nan), Nack.COORDINATE),
        "infinite": (position(y=inf), Nack.COORDINATE),
        "infinite the other way": (position(x=-inf), Nack.COORDINATE),
        "position of nobody": (position(UNKNOWN), Nack.DATA),
        "position of a retired car": (position(RETIRED_POLICE), Nack.DATA),
        "status of nobody": (condition(UNKNOWN), Nack.DATA),
        "status of a retired car": (condition(RETIRED_POLICE), Nack.DATA),
        "status of a runner": (condition(RUNNER), Nack.DATA),
        "unknown type": (signed("BI", 0x77, POLICE), Nack.FORMAT),
        "a server's frame": (packets.accepted(KEY, POLICE), Nack.FORMAT),
    },
    "events": {
        **spoilt("catch", event()),
        **spoilt("failed", event(0xFD)),
        "catch by nobody": (event(catcher=UNKNOWN), Nack.DATA),
        "catch of nobody": (event(runner=UNKNOWN), Nack.DATA),
        "catch by a retired car": (event(catcher=RETIRED_POLICE), Nack.DATA),
        "catch of a retired car": (event(runner=RETIRED_RUNNER), Nack.DATA),
        "catch by a runner": (event(catcher=RUNNER), Nack.DATA),
        "catch of a police car": (event(runner=POLICE), Nack.DATA),
        "the wrong way round": (event(catcher=RUNNER, runner=POLICE), Nack.DATA),
        "failed by nobody": (event(0xFD, catcher=UNKNOWN), Nack.DATA),
        "failed by a runner": (event(0xFD, catcher=RUNNER), Nack.DATA),
        "failed with a retired car": (event(0xFD, runner=RETIRED_RUNNER), Nack.DATA),
        "unknown type": (signed("BII", 0x77, POLICE, RUNNER), Nack.FORMAT),
    },
}
PASSED_OVER = {
    "vehicles": {
        "empty": b"",
        "text": '{"x": 1}',
        "very old position": signed("Iff", POLICE, 1.0, 2.0),
        "collision notice": signed("BIB", 0x13, POLICE, 1),
        "collision notice of nobody": signed("BIB", 0x13, UNKNOWN, 1),
        "catch": event(),
        "failed catch": event(0xFD),
        "catch, spoilt": event()[:-1],
    },
    "events": {
        "empty": b"",
        "text": "catch",
        "registration": registration(),
        "position": position(),
        "status": condition(),
        "registration, spoilt": registration()[:-1],
    },
}


@pytest.fixture
def cars(transactional_db):
    """A police car, a runner on the run, and one retired car of each kind."""
    for car in (
        factories.police_car(RETIRED_POLICE),
        factories.runner(RETIRED_RUNNER),
    ):
        fleet.retire(car)
    return factories.police_car(POLICE, "POLICE_2"), factories.runner(RUNNER, "R")


def rows():
    """Return everything that bad input might have changed."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Vehicle, PoliceCar, Event, Position)
    ]


@pytest.fixture
async def boards(connect, cars, operator):
    """Dashboards of both kinds, which have seen the fleet as it is."""
    vehicles = await connect("front/vehicles", operator)
    events = await connect("front/events", operator)
    police, runner = cars
    shown = [registered(police), registered(runner), status(police)]
    assert await told_times(vehicles, 3) == shown
    return vehicles, events


async def assert_nothing_happened(connect, boards, before):
    """Let a runner register: it must be the first thing that dashboards are told."""
    assert await in_thread(rows) == before
    await register(await connect("vehicles"), 77, "MARK", packets.RUNNER)
    vehicles, events = boards
    assert (await told(vehicles)).car_name == "MARK"
    assert (await told(events)).type == packets.CHASE_STARTED


# Refusals


@pytest.mark.parametrize("channel", ["vehicles", "events"])
async def test_what_is_refused(connect, boards, channel):
    sender = await connect(channel)
    assert await told(sender) == named(0xFF, RUNNER)
    before, answers = await in_thread(rows), {}

    for name, (frame, _code) in REFUSED[channel].items():
        await say(sender, frame)
        answers[name] = await told(sender)

    expected = {name: nack(code) for name, (_, code) in REFUSED[channel].items()}
    assert answers == expected
    await assert_nothing_happened(connect, boards, before)


@pytest.mark.parametrize("channel", ["vehicles", "events"])
async def test_what_is_passed_over(connect, boards, channel):
    sender = await connect(channel)
    assert await told(sender) == named(0xFF, RUNNER)
    before = await in_thread(rows)

    for frame in PASSED_OVER[channel].values():
        await say(sender, frame)
    await say(sender, b"?")

    assert await told(sender) == nack(Nack.FORMAT)
    await assert_nothing_happened(connect, boards, before)


async def test_dashboards_may_say_anything(connect, boards, operator):
    before = await in_thread(rows)

    for board in boards:
        for frame in (registration(), event(), b"", "", "hello", "[]", '{"type": 1}'):
            await say(board, frame)
        await say(board, '{"type": "nonsense", "id": 1}')
        await say(board, "[" * 10_000)

    await assert_nothing_happened(connect, boards, before)


@pytest.mark.parametrize("path", ["vehicles", "front/vehicles"])
@pytest.mark.parametrize("frame", [bytes(65_537), "x" * 65_537])
async def test_too_much_at_once_ends_one_socket_only(connect, boss, path, frame):
    sender, other = await connect(path, boss), await connect("vehicles")

    await say(sender, frame)

    closed = {"type": "websocket.close", "code": 1009}
    assert await sender.receive_output(PATIENCE) == closed
    await register(other, 4, "POLICE_3")


async def test_64_kib_are_not_too_much(connect):
    sender = await connect("vehicles")

    await say(sender, bytes(65_536))

    assert await told(sender) == nack(Nack.FORMAT)


async def test_ten_thousand_junk_frames(connect):
    sender = await connect("vehicles")

    for number in range(10_000):
        await say(sender, number.to_bytes(20, "big"))

    answers = [await told(sender) for _ in range(10_000)]
    assert answers == [nack(Nack.FORMAT)] * 10_000
    await register(sender, 4, "POLICE_3")


# Registration


async def test_the_largest_number(connect, outsider):
    sender = await connect("vehicles")

    await register(sender, 2**32 - 1, "POLICE_9")
    board = await connect("front/vehicles", outsider)
    car = await in_thread(Vehicle.objects.get)
    assert await told_times(board, 2) == [registered(car), status(car)]
    await drive(sender, 2**32 - 1, 1.5, 2.5)

    assert (await told(board)).records == [(car.pk, 1.5, 2.5)]


async def test_a_name_ends_at_its_first_nul_and_keeps_its_blanks(connect):
    sender = await connect("vehicles")

    await say(sender, registration(name=b" A \0\0B"))

    assert await told(sender) == accepted(9)
    assert (await in_thread(Vehicle.objects.get)).car_name == " A "


async def test_a_restarted_police_car(connect, boards, cars):
    sender = await connect("vehicles")
    assert await told(sender) == named(0xFF, RUNNER)
    before = await in_thread(rows)

    await register(sender, POLICE, "POLICE_2")

    assert await told(boards[0]) == registered(cars[0])
    await assert_nothing_happened(connect, boards, before)


async def test_a_restarted_runner_that_is_chased(connect, boards, cars):
    sender = await connect("vehicles")
    before = await in_thread(rows)

    await register(sender, RUNNER, "R", packets.RUNNER)

    assert await told(boards[0]) == registered(cars[1])
    await assert_nothing_happened(connect, boards, before)


async def test_a_restarted_runner_that_was_caught(connect, boards, cars):
    sender, catcher = await connect("vehicles"), await connect("events")
    assert await told(sender) == named(0xFF, RUNNER)
    await say(catcher, event())
    assert await told(boards[1]) == pair(0xFE, *(car.pk for car in cars))

    await say(sender, registration(RUNNER, 1, b"R"))

    answers = sorted(await told_times(sender, 2), key=lambda frame: frame.type)
    assert answers == [accepted(RUNNER), named(0xFF, RUNNER)]
    assert await told(boards[0]) == registered(cars[1])
    assert (await told(boards[1])).type == packets.CHASE_STARTED
    assert await in_thread(Vehicle.objects.live().count) == 2


async def test_a_renamed_car_comes_back_under_the_name_it_knows(connect, cars):
    await in_thread(fleet.rename, cars[0], "Kim")
    sender = await connect("vehicles")

    await register(sender, POLICE, "POLICE_2")

    names = await in_thread(list, Vehicle.objects.live().values_list("car_name"))
    assert names == [("Kim",), ("R",)]


async def test_a_retired_car_comes_back_as_a_new_one(connect, boards, cars):
    sender = await connect("vehicles")
    await in_thread(fleet.retire, cars[0])
    assert await told(boards[0]) == named(packets.REMOVED, cars[0].pk)

    await register(sender, POLICE, "POLICE_2")
    await drive(sender, POLICE, 7, 8)

    again = await in_thread(Vehicle.objects.live().get, vehicle_id=POLICE)
    assert again.pk > cars[0].pk
    assert await told(boards[0]) == registered(again)
    assert (await told(boards[0])).records == [(again.pk, 7, 8)]


async def test_a_frame_counts_although_its_socket_closes_at_once(connect, boards):
    sender = await connect("vehicles")

    await say(sender, registration())
    await sender.disconnect()

    assert (await told(boards[0])).car_name == "NEW"
    assert await in_thread(Vehicle.objects.filter(car_name="NEW").exists)


async def test_status_has_another_order_for_dashboards(connect, boards, cars):
    sender = await connect("vehicles")

    await say(sender, client_packets.status(KEY, POLICE, 0, 255, 2))

    assert await told(boards[0]) == status(cars[0], 0, 255, 2)
    details = await in_thread(PoliceCar.objects.values().get, pk=cars[0].pk)
    assert details == {
        "vehicle_id": cars[0].pk,
        "fuel": 0,
        "collision_count": 255,
        "status": "complete_destroyed",
    }
