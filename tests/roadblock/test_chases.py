"""Chases: opened once, caught once, whoever comes at the same moment."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, connections, transaction

from config.realtime import in_thread
from roadblock import chases, client_packets, fleet, packets
from roadblock.models import Chase, Event, PoliceCar, Vehicle
from roadblock.packets import Nack
from tests import factories
from tests.roadblock.talk import (
    KEY,
    nack,
    named,
    pair,
    register,
    registered,
    say,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)

CATCH = client_packets.catch_report(KEY, 3, 12)
FAILED = client_packets.failed_report(KEY, 3, 12)


@pytest.fixture
def police(transactional_db):
    return factories.police_car(3)


@pytest.fixture
def runner(transactional_db):
    return factories.runner(12)


@pytest.fixture
def no_runs(transactional_db):
    """A database that takes no event of a run."""
    change = "ALTER TABLE roadblock_event"
    with connection.cursor() as cursor:
        cursor.execute(f"{change} ADD CONSTRAINT no_runs CHECK (status <> 'run')")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"{change} DROP CONSTRAINT no_runs")


def at_once(*calls):
    """Make all calls at the same moment; return their results or errors."""
    start = threading.Barrier(len(calls))

    def run(call):
        try:
            connection.ensure_connection()
            start.wait()
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def statuses():
    return list(Event.objects.order_by("id").values_list("status", flat=True))


# From the start to the catch


async def test_a_chase_begins_with_its_runner(connect, outsider):
    board = await connect("front/events", outsider)
    listener = await connect("events")

    await register(await connect("vehicles"), 12, "R", packets.RUNNER)

    chase = await in_thread(Chase.objects.select_related("runner").get)
    start = await told(board)
    assert (start.type, start.runner_id, start.status) == (0xF0, chase.runner.pk, 0)
    assert abs(start.epoch - time.time()) < 128
    assert await told(listener) == named(0xFF, 12)
    assert chase.is_open
    assert await in_thread(statuses) == ["run"]


async def test_one_catch_counts(connect, police, runner, outsider):
    board = await connect("front/events", outsider)
    sender, listener = await connect("events"), await connect("events")
    for one in (sender, listener):
        assert await told(one) == named(0xFF, 12)

    await say(sender, CATCH)
    assert await told(sender) == await told(listener) == pair(0xFC, 3, 12)
    await say(sender, CATCH)
    assert await told(sender) == pair(0xFC, 3, 12)

    await say(sender, client_packets.registration(KEY, 1, 0, "IGNORED"))
    await in_thread(fleet.register, 13, "runner", "R2")
    assert await told(board) == pair(0xFE, police.pk, runner.pk)
    assert (await told(board)).type == packets.CHASE_STARTED
    assert await told(listener) == named(0xFF, 13)
    chase = await in_thread(Chase.objects.get, runner=runner)
    assert (chase.catcher_id, chase.outcome) == (police.pk, "caught")
    assert await in_thread(statuses) == ["run", "catch", "run"]


async def test_a_later_catch_is_answered_with_its_own_numbers(connect, police, runner):
    await in_thread(factories.police_car, 4)
    await in_thread(chases.catch, 3, 12)
    sender = await connect("events")

    await say(sender, client_packets.catch_report(KEY, 4, 12))

    assert await told(sender) == pair(0xFC, 4, 12)
    assert await in_thread(statuses) == ["run", "catch"]


async def test_a_failed_catch_leaves_the_chase_open(connect, police, runner, outsider):
    board, sender = await connect("front/events", outsider), await connect("events")
    assert await told(sender) == named(0xFF, 12)

    for _ in range(2):
        await say(sender, FAILED)

        assert await told(sender) == pair(0xFB, 3, 12)
        assert await told(board) == pair(0xFD, police.pk, runner.pk)
    assert (await in_thread(Chase.objects.get)).is_open
    assert await in_thread(statuses) == ["run", "failed", "failed"]


async def test_no_catch_fails_after_the_catch(connect, police, runner):
    await in_thread(chases.catch, 3, 12)
    sender = await connect("events")

    await say(sender, FAILED)

    assert await told(sender) == nack(Nack.DATA)
    assert await in_thread(statuses) == ["run", "catch"]


async def test_retiring_the_runner_closes_its_chase(connect, police, runner, outsider):
    board, sender = await connect("front/events", outsider), await connect("events")
    assert await told(sender) == named(0xFF, 12)

    await in_thread(fleet.retire, runner)
    await say(sender, CATCH)

    assert await told(board) == named(packets.CHASE_CLOSED, runner.pk)
    assert await told(sender) == nack(Nack.DATA)
    chase = await in_thread(Chase.objects.get)
    assert (chase.outcome, chase.catcher_id) == ("closed", None)
    assert await in_thread(statuses) == ["run"]


def test_retiring_the_catcher_leaves_the_chase_open(police, runner):
    fleet.retire(police)

    with pytest.raises(chases.UnfitVehicle):
        chases.catch(3, 12)
    assert Chase.objects.get().is_open


# All or nothing


def test_a_registration_whose_chase_fails_leaves_nothing(no_runs):
    with pytest.raises(IntegrityError):
        factories.runner(12)

    assert not Vehicle.objects.exists()
    assert not Chase.objects.exists()


async def test_a_broken_database_is_told_and_survived(connect, no_runs, outsider):
    board, sender = await connect("front/vehicles", outsider), await connect("vehicles")

    await say(sender, client_packets.registration(KEY, 12, packets.RUNNER, "R"))

    assert await told(sender) == nack(Nack.DATABASE)
    await register(sender, 3, "P")
    car = await in_thread(Vehicle.objects.get)
    assert await told(board) == registered(car)


# At the same moment


def test_of_many_catches_one_counts(police, runner):
    results = at_once(*[lambda: chases.catch(3, 12)] * 8)

    assert sorted(results) == [False] * 7 + [True]
    assert statuses() == ["run", "catch"]


def test_of_catch_and_retirement_one_ends_the_chase(police, runner):
    caught, _ = at_once(lambda: chases.catch(3, 12), lambda: fleet.retire(runner))

    assert Chase.objects.get().outcome == ("caught" if caught is True else "closed")
    assert statuses() == ["run"] + ["catch"] * (caught is True)


@pytest.mark.parametrize("kind", ["police", "runner"])
def test_of_equal_registrations_one_makes_the_row(transactional_db, kind):
    results = at_once(*[lambda: fleet.register(7, kind, "A")] * 8)

    assert sorted(result.is_new for result in results) == [False] * 7 + [True]
    assert {result.vehicle for result in results} == {Vehicle.objects.get()}
    assert PoliceCar.objects.count() == (kind == "police")
    assert statuses() == ["run"] * (kind == "runner")


def test_of_cars_with_the_same_name_one_is_taken_in(transactional_db):
    calls = [lambda n=n: fleet.register(n, "police", "A") for n in range(6)]

    results = at_once(*calls)

    refused = [result for result in results if isinstance(result, fleet.NameTaken)]
    assert (len(refused), Vehicle.objects.count()) == (5, 1)


def test_of_renames_to_the_same_name_one_counts(transactional_db):
    cars = [factories.police_car() for _ in range(4)]

    results = at_once(*[lambda car=car: fleet.rename(car, "A") for car in cars])

    assert [type(error) for error in results if error] == [fleet.NameTaken] * 3
    assert Vehicle.objects.filter(car_name="A").count() == 1


def test_a_rename_comes_too_late_for_a_retired_car(police):
    late = Vehicle.objects.get()
    fleet.retire(police)

    with pytest.raises(fleet.UnknownVehicle):
        fleet.rename(late, "B")
    assert Vehicle.objects.get().car_name == police.car_name


def test_a_failure_waits_for_a_catch_on_its_way(police, runner):
    caught, started = threading.Event(), threading.Event()

    def catch():
        with transaction.atomic():
            chases.catch(3, 12)
            caught.set()
            started.wait(5)
            time.sleep(0.3)  # by now the other has looked

    def fail():
        caught.wait(5)
        started.set()
        chases.fail(3, 12)

    _, late = at_once(catch, fail)

    assert isinstance(late, chases.NoOpenChase)
    assert statuses() == ["run", "catch"]
