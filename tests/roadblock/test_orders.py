"""Orders on the wire: 0x15 to the car, and what comes back of it."""

import asyncio
import json
from struct import unpack

import pytest

from config import realtime
from roadblock import (
    chases,
    client_packets,
    fleet,
    orders,
    packets,
    plans,
    tracking,
)
from roadblock.models import Plan, Roadblock
from tests.roadblock.chased import a, chase, police, put, runner, town
from tests.roadblock.talk import KEY, drive, nack, say, told, when

__all__ = ["chase", "police", "runner", "town"]

pytestmark = pytest.mark.django_db(transaction=True)

State = Roadblock.State


@pytest.fixture
def state_of():
    """Return a function that reads a roadblock's state anew."""

    async def read(one):
        return (await a(Roadblock.objects.get, pk=one.pk)).state

    return read


async def becomes(one, state):
    """Wait until a roadblock has come to a state."""
    while (await a(Roadblock.objects.get, pk=one.pk)).state != state:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def any_order(chase):
    """Plan the chase; return a roadblock of it and its car's number."""
    await a(plans.review, chase)
    one = await a(lambda: Roadblock.objects.select_related("unit").first())
    return one, one.unit.vehicle_id


async def placements(socket, count):
    """Return the next 0x15 frames, {number: frame}; other frames are passed over."""
    found = {}
    while len(found) < count:
        frame = await socket.receive_from(10)
        if frame[0] == packets.PLACEMENT:
            found[client_packets.decode(frame, KEY).police_vehicle_id] = frame
    return found


async def test_the_frame_is_37_bytes_as_the_contract_says(connect, chase):
    listener = await connect("vehicles")

    await any_order(chase)

    frame = (await placements(listener, 1)).popitem()[1]
    assert len(frame) == 37
    kind, police, runner, x, y, heading = unpack("<BIIfff", frame[:21])
    assert (kind, runner) == (0x15, 12)
    assert packets.is_signed(KEY, frame)
    post = await a(Roadblock.objects.get, unit__vehicle_id=police)
    assert (x, y) == (post.x, post.y)
    assert heading == pytest.approx(post.heading, abs=1e-4)
    assert post.command == int.from_bytes(frame[21:25], "little")


async def test_orders_reach_their_cars_and_count_as_sent(connect, chase, police):
    for car in police:
        await drive(await connect("vehicles"), car.vehicle_id, -900.0, -900.0)
    tracker = await tracking.tracker()
    await when(lambda: all(car.pk in tracker.by_id for car in police))
    for car, at in zip(police, [(0, 0), (4, 0), (4, 3)], strict=True):
        await a(put, car, *at)

    await a(plans.review, chase)

    orders = await a(lambda: list(Roadblock.objects.all()))
    assert orders
    for one in orders:
        await becomes(one, State.SENT)


async def test_an_order_waits_for_a_car_that_is_away(connect, chase, state_of):
    one, number = await any_order(chase)
    stranger = await connect("vehicles")
    assert len(await placements(stranger, 1)) == 1
    assert await state_of(one) == State.QUEUED

    car = await connect("vehicles")
    await drive(car, number, 9000.0, 9000.0)

    await becomes(one, State.SENT)


async def test_a_car_near_its_post_is_there(connect, chase, state_of):
    one, number = await any_order(chase)
    car = await connect("vehicles")

    await drive(car, number, one.x + 11, one.y + 11)
    await becomes(one, State.SENT)
    await drive(car, number, one.x + 10, one.y - 11)

    await becomes(one, State.ACKNOWLEDGED)


async def test_a_car_confirms(connect, chase):
    one, number = await any_order(chase)
    car = await connect("vehicles")
    frame = client_packets.order_report(KEY, number, one.command)
    assert len(frame) == 25

    await say(car, frame)
    await say(car, frame)  # once more changes nothing

    await becomes(one, State.ACKNOWLEDGED)


async def test_a_car_that_refuses_is_replaced(connect, chase):
    one, number = await any_order(chase)
    car = await connect("vehicles")

    await say(car, client_packets.order_report(KEY, number, one.command, True))

    await becomes(one, State.FAILED)
    assert await a(plans.review, chase) is True
    newest = await a(lambda: list(Plan.objects.in_force().get().roadblocks.all()))
    assert number not in {post.unit_id for post in newest}


@pytest.mark.parametrize("number", [3, 99])
async def test_an_unknown_order_is_refused(connect, chase, number):
    await any_order(chase)
    car = await connect("vehicles")

    await say(car, client_packets.order_report(KEY, number, 1234))

    while (answer := await told(car)).type != packets.NACK:
        pass
    assert answer == nack(packets.Nack.DATA)


@pytest.mark.parametrize("cut", [1, 24, 26])
async def test_a_broken_confirmation_is_refused(connect, chase, cut):
    one, number = await any_order(chase)
    car = await connect("vehicles")
    frame = client_packets.order_report(KEY, number, one.command) + b"\0"

    await say(car, frame[:cut])

    while (answer := await told(car)).type != packets.NACK:
        pass
    assert answer == nack(packets.Nack.FORMAT)


async def test_a_forged_confirmation_is_refused(connect, chase, state_of):
    one, number = await any_order(chase)
    car = await connect("vehicles")

    await say(car, client_packets.order_report(b"another key", number, one.command))

    while (answer := await told(car)).type != packets.NACK:
        pass
    assert answer == nack(packets.Nack.FORMAT)
    assert await state_of(one) == State.QUEUED


async def test_confirmations_belong_to_the_vehicles_socket(connect, chase, state_of):
    one, number = await any_order(chase)
    events = await connect("events")
    while (await told(events)).type != packets.CHASE_STARTED_FOR_VEHICLES:
        pass

    await say(events, client_packets.order_report(KEY, number, one.command))

    assert await events.receive_nothing(0.2)
    assert await state_of(one) == State.QUEUED


async def test_orders_of_a_caught_runner_are_not_sent(connect, chase):
    await any_order(chase)
    await a(chases.catch, 3, 12)

    late = await connect("vehicles")

    assert await late.receive_nothing(0.3)


async def test_a_car_with_a_key_of_its_own_gets_its_order_under_it(connect, chase):
    for number in (3, 4, 5):
        await a(fleet.set_key, number, f"secret {number}")

    one, number = await any_order(chase)

    (order,) = [
        order for order in await a(orders.in_force) if order["vehicle_id"] == number
    ]
    assert packets.is_signed(f"secret {number}".encode(), order["frame"])
    assert packets.command_of(order["frame"]) == one.command


async def test_late_news_changes_nothing(chase, police):
    one, _ = await any_order(chase)
    await a(orders.advance, {one.pk: State.ACKNOWLEDGED})

    await a(orders.advance, {one.pk: State.SENT})

    assert (await a(Roadblock.objects.get, pk=one.pk)).state == State.ACKNOWLEDGED


# Dashboards


async def text(socket):
    """Return the next text frame of a dashboard's socket."""
    while not isinstance(frame := await socket.receive_from(10), str):
        pass
    return json.loads(frame)


async def test_a_dashboard_that_asks_is_told_of_plans(connect, chase, outsider):
    silent, board = [await connect("front/events", outsider) for _ in range(2)]
    await say(board, '{"type": "follow_plans"}')
    assert await text(board) == {"type": "ack"}

    one, _ = await any_order(chase)

    plan = await a(Plan.objects.get)
    assert await text(board) == {
        "type": "plan.changed", "id": plan.pk, "chase_id": chase.pk,
    }  # fmt: skip
    await a(orders.advance, {one.pk: State.SENT})
    assert await text(board) == {
        "type": "roadblock.changed", "id": one.pk, "plan_id": plan.pk,
        "chase_id": chase.pk, "unit_id": one.unit_id, "state": "sent",
    }  # fmt: skip
    assert await silent.receive_nothing(0.1)


async def test_an_order_survives_the_start_of_a_process(connect, chase):
    one, number = await any_order(chase)
    await tracking.stop()
    await realtime.hub().close()

    car = await connect("vehicles")

    assert number in await placements(car, await a(Roadblock.objects.count))
    tracker = await tracking.tracker()
    await drive(car, number, one.x, one.y)
    await when(lambda: not tracker.dispatch.news)
    await becomes(one, State.ACKNOWLEDGED)
