"""Where cars are: shown at once, stored in bulk, and lost by no broken part."""

import asyncio
import struct
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.conf import settings as project
from django.db import connection
from django.utils import timezone

from config.consumers import Consumer
from config.realtime import EVERYBODY, in_thread, publish_now
from config.valkey import valkey
from roadblock import client_packets, consumers, fleet, packets, tasks, tracking, tracks
from roadblock.models import Position, Vehicle
from roadblock.packets import Nack
from roadblock.wire import DASHBOARD_VEHICLES
from tests import factories
from tests.roadblock.talk import (
    KEY,
    PATIENCE,
    drive,
    nack,
    named,
    positions,
    registered,
    told,
    told_times,
    when,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def police(transactional_db):
    return factories.police_car(3)


@pytest.fixture
async def tracker(police, socket):
    """The tracker of this event loop; the fixture `socket` ends it."""
    return await tracking.tracker()


@pytest.fixture
async def board(connect, tracker, police, outsider):
    """A dashboard that has seen the fleet, which is one police car."""
    board = await connect("front/vehicles", outsider)
    await told_times(board, 2)
    return board


@pytest.fixture
def locked(police):
    """Hold up all who write positions; call it to let them go."""
    other = psycopg.connect(**connection.get_connection_params())
    other.execute("LOCK TABLE roadblock_position IN SHARE MODE")
    yield other
    other.close()


def stored():
    return list(Position.objects.order_by("id").values_list("x", flat=True))


async def all_stored(tracker):
    await when(lambda: not tracker.rows)
    return await in_thread(stored)


# Shown


async def test_a_tick_is_one_frame_for_each_map(connect, tracker, board, police):
    other = await in_thread(factories.police_car, 4)
    away = await in_thread(factories.police_car, 5)
    await in_thread(fleet.move, away, 2)
    await told_times(board, 3)
    cars = [await tracker.find(number) for number in (3, 4, 5)]

    for step in range(10):
        for car in cars:
            tracker.moved(car, step, -step)

    assert await told(board) == positions(4, (police.pk, 9, -9), (other.pk, 9, -9))
    assert await told(board) == positions(2, (away.pk, 9, -9))


async def test_the_last_position_always_arrives(connect, board, police):
    sender = await connect("vehicles")

    for step in range(1000):
        await drive(sender, 3, step, 0)

    shown = []
    while not shown or shown[-1] != 999:
        [(_id, x, _y)] = (await told(board)).records
        shown.append(x)
    assert shown == sorted(shown)


async def test_vehicles_hear_every_step_of_a_runner(connect, tracker):
    await in_thread(factories.runner, 12)
    listener, sender = await connect("vehicles"), await connect("vehicles")
    assert await told(listener) == named(0xFF, 12)

    for step in range(5):
        await drive(sender, 12, step, 0.5)

    steps = [client_packets.RunnerPosition(0x14, 12, step, 0.5) for step in range(5)]
    assert await told_times(listener, 5) == steps


async def test_a_tick_that_broke_is_made_up_for(board, tracker, police, caplog):
    valkey().set(tracks.LAST_KEY, "not a hash")
    tracker.moved(tracker.cars[3], 1, 2)
    await when(lambda: "not shown yet" in caplog.text)
    valkey().delete(tracks.LAST_KEY)

    assert await told(board) == positions(4, (police.pk, 1, 2))


async def test_a_slow_dashboard_gets_the_newest_of_each_car(board, tracker, outsider):
    """It gets all else one by one, and no position of a car that is gone."""
    taken, may_take, frames = asyncio.Event(), asyncio.Event(), []

    async def send(message):
        if message["type"] == "websocket.send":
            taken.set()
            await may_take.wait()
            frames.append(message["bytes"])

    async def receive():
        if not connected.is_set():
            connected.set()
            return {"type": "websocket.connect"}
        return await asyncio.get_running_loop().create_future()

    connected = asyncio.Event()
    scope = {"type": "websocket", "path": "/slow", "user": outsider}
    slow = asyncio.create_task(
        consumers.FrontVehiclesConsumer.as_asgi()(scope, receive, send)
    )
    await asyncio.wait_for(taken.wait(), PATIENCE)

    for step in range(Consumer.max_queue + 10):
        records = [(1, step, 0), (2, step, 0)]
        frame = packets.positions(KEY, 4, records)
        await publish_now(DASHBOARD_VEHICLES, "vehicles.moved", map_id=4, frame=frame)
    await publish_now(
        DASHBOARD_VEHICLES, "vehicle.removed", id=1, frame=packets.removed(KEY, 1)
    )
    while (await told(board)).type != packets.REMOVED:
        pass  # the other dashboard hears the same events
    may_take.set()
    await when(lambda: frames and frames[-1][0] == packets.POSITIONS)
    slow.cancel()

    assert [client_packets.decode(frame, KEY) for frame in frames[-2:]] == [
        named(packets.REMOVED, 1),
        positions(4, (2, step, 0)),
    ]
    assert len(frames) == 4  # registered and status, from its snapshot


# Known and unknown


async def test_a_car_is_known_as_soon_as_another_process_took_it_in(connect, board):
    sender = await connect("vehicles")
    await drive(sender, 99, 1, 2)
    assert await told(sender) == nack(Nack.DATA)

    car = await in_thread(factories.police_car, 99)
    assert await told(board) == registered(car)
    await drive(sender, 99, 1, 2)

    assert (await told(board)).records == [(car.pk, 1, 2)]


async def test_late_news_bring_no_retired_car_back(connect, board, police, tracker):
    sender = await connect("vehicles")
    tracker.moved(tracker.cars[3], 1, 2)
    await told(board)

    await in_thread(fleet.retire, police)
    await in_thread(fleet.announce, police, heard=time.time())
    await told_times(board, 2)
    await drive(sender, 3, 1, 2)

    assert await told(sender) == nack(Nack.DATA)
    assert tracks.last_positions() == {}


async def test_a_retired_car_is_not_shown_by_the_next_tick(board, tracker, police):
    other = await in_thread(factories.police_car, 4)
    await told(board)

    tracker.moved(tracker.cars[3], 1, 2)
    tracker.moved(await tracker.find(4), 1, 2)
    tracker.heard_of({"type": "car.gone", "id": police.pk, "vehicle_id": 3})

    assert await told(board) == positions(4, (other.pk, 1, 2))


# Stored


def test_rows_keep_exact_values_and_times(police):
    moment = datetime(2026, 11, 21, 6, 48, 33, 123457, tzinfo=UTC)
    before_2000 = datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    rows = [(-18.5, 1869.25, moment), (0.1, -1e300, before_2000)]

    tracks.store([tracks.row(police.pk, x, y, at.timestamp()) for x, y, at in rows])

    kept = Position.objects.order_by("id").values_list("x", "y", "created_at")
    assert list(kept) == rows
    assert set(Position.objects.values_list("vehicle", flat=True)) == {police.pk}


async def test_what_comes_over_the_wire_is_stored(connect, tracker, police):
    sender, start = await connect("vehicles"), timezone.now()

    for step in range(20):
        await drive(sender, 3, step + 0.1, -step)

    await when(lambda: tracker.rows)
    assert await all_stored(tracker) == [
        struct.unpack("<f", struct.pack("<f", step + 0.1))[0] for step in range(20)
    ]
    first = await in_thread(Position.objects.order_by("created_at").first)
    assert start <= first.created_at <= timezone.now()


async def test_a_full_queue_loses_its_oldest(tracker, settings):
    settings.ROADBLOCK_TRACK_QUEUE = 10

    for step in range(25):
        tracker.moved(tracker.cars[3], step, 0)

    assert tracker.lost_rows == 15
    assert await all_stored(tracker) == list(range(15, 25))


async def test_a_full_queue_while_rows_are_on_their_way(tracker, settings, locked):
    settings.ROADBLOCK_TRACK_QUEUE = 10
    for step in range(10):
        tracker.moved(tracker.cars[3], step, 0)
    await when(lambda: waiting(locked))

    for step in range(10, 15):
        tracker.moved(tracker.cars[3], step, 0)
    locked.rollback()

    assert await all_stored(tracker) == list(range(15))


def waiting(locked):
    """Return the pid of who waits to write positions."""
    return locked.execute(
        "SELECT pid FROM pg_locks"
        " WHERE relation = 'roadblock_position'::regclass AND NOT granted"
    ).fetchone()


async def test_nobody_waits_for_the_database(board, tracker, locked, police):
    tracker.moved(tracker.cars[3], 1, 2)
    await when(lambda: waiting(locked))
    tracker.moved(tracker.cars[3], 3, 4)

    assert await told(board) == positions(4, (police.pk, 1, 2))
    assert await told(board) == positions(4, (police.pk, 3, 4))


async def test_storing_goes_on_after_the_database_was_away(tracker, locked):
    tracker.moved(tracker.cars[3], 1, 0)
    [pid] = await when(lambda: waiting(locked))

    locked.execute("SELECT pg_terminate_backend(%s)", [pid])
    tracker.moved(tracker.cars[3], 2, 0)
    locked.rollback()

    assert await all_stored(tracker) == [1, 2]


async def test_the_interval_between_stored_positions(tracker, settings):
    settings.ROADBLOCK_TRACK_INTERVAL = 0.2

    for step in (1, 2, 3):
        tracker.moved(tracker.cars[3], step, 0)
    await asyncio.sleep(0.25)
    for step in (4, 5):
        tracker.moved(tracker.cars[3], step, 0)

    assert await all_stored(tracker) == [1, 4]


async def test_the_rate_of_each_vehicle(tracker, settings):
    settings.ROADBLOCK_VEHICLE_RATE = 5
    other = await in_thread(factories.police_car, 4)
    await asyncio.sleep(1 - time.time() % 1)  # a second has just begun

    for step in range(20):
        tracker.moved(tracker.cars[3], step, 0)
    tracker.moved(await tracker.find(4), 100, 0)

    assert tracker.over_rate == 15
    assert await all_stored(tracker) == [0, 1, 2, 3, 4, 100]
    assert tracker.by_id[other.pk].x == 100
    assert tracker.cars[3].x == 19  # where it is now is shown at any rate


async def test_the_rate_of_each_vehicles_reports(tracker, settings):
    settings.ROADBLOCK_REPORT_RATE = 5
    await asyncio.sleep(1 - time.time() % 1)  # a second has just begun

    allowed = [tracker.may_report(3) for _ in range(8)]

    assert allowed == [True] * 5 + [False] * 3
    assert tracker.may_report(4)
    await asyncio.sleep(1 - time.time() % 1)
    assert tracker.may_report(3)


async def test_what_is_in_memory_is_stored_at_the_end(tracker, police):
    tracker.moved(tracker.cars[3], 1, 2)

    await tracking.stop()

    assert await in_thread(stored) == [1]
    assert tracks.last_positions()[police.pk][:2] == (1, 2)


async def test_what_is_on_its_way_at_the_end_is_stored_once(tracker, locked):
    tracker.moved(tracker.cars[3], 1, 2)
    await when(lambda: waiting(locked))

    end = asyncio.create_task(tracking.stop())
    await asyncio.sleep(0.1)
    locked.rollback()
    await end

    assert await in_thread(stored) == [1]


def test_old_positions_are_swept(police, settings, monkeypatch):
    monkeypatch.setattr(tracks, "SWEEP_ROWS", 2)
    settings.ROADBLOCK_TRACK_KEEP_DAYS = 7
    for days in (6.9, 7.1, 8, 9, 10, 11):
        moment = timezone.now() - timedelta(days=days)
        tracks.store([tracks.row(police.pk, days, 0, moment.timestamp())])

    tasks.sweep_positions()

    assert stored() == [6.9]
    scheduled = [entry["task"] for entry in project.CELERY_BEAT_SCHEDULE.values()]
    assert tasks.sweep_positions.name in scheduled


async def test_a_restored_database_has_another_fleet(tracker, police):
    assert await tracker.find(3) is not None
    await in_thread(Vehicle.objects.all().delete)
    other = await in_thread(factories.police_car, 9)
    tracker.rows.append(tracks.row(police.pk, 1, 2, time.time()))

    await publish_now(EVERYBODY, "database.restored")
    await when(lambda: list(tracker.cars) == [9])

    assert list(tracker.by_id) == [other.pk]
    assert not tracker.rows
