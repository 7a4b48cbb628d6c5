"""A key of its own for one car, and counters against recorded frames."""

import pytest
from django.db import connection

from config.realtime import in_thread
from roadblock import client_packets, fleet, packets, tracking
from roadblock.models import VehicleKey
from roadblock.packets import Nack
from tests import factories
from tests.roadblock.talk import KEY, PATIENCE, accepted, nack, pair, say, told, when

pytestmark = pytest.mark.django_db(transaction=True)

OWN = b"the key of car 3"


@pytest.fixture
def police(transactional_db):
    return factories.police_car(3, "POLICE_2")


@pytest.fixture
async def sender(connect, police):
    return await connect("vehicles")


async def give_key(key, **options):
    """Give car 3 a key, and wait until it counts."""
    secret = key and key.decode()
    tracker = await tracking.tracker()
    before = tracker.keys
    await in_thread(fleet.set_key, 3, secret, **options)
    await when(lambda: tracker.keys is not before)


async def answer(socket, frame, key):
    """Return what a frame is answered with, under a key."""
    await say(socket, frame)
    return client_packets.decode(await socket.receive_from(PATIENCE), key)


def registration(key, counter=None):
    return client_packets.registration(key, 3, packets.POLICE, "POLICE_2", counter)


async def test_the_shared_key_counts_no_longer(sender):
    await give_key(OWN)

    shared = await answer(sender, registration(KEY), KEY)
    own = await answer(sender, registration(OWN), OWN)

    assert (shared, own) == (nack(Nack.FORMAT), accepted(3))


async def test_one_key_for_one_car(sender):
    await give_key(OWN)
    frame = client_packets.registration(OWN, 4, packets.POLICE, "POLICE_3")

    assert await answer(sender, frame, KEY) == nack(Nack.FORMAT)


async def test_a_key_can_be_taken_away(sender):
    await give_key(OWN)

    await give_key(None)

    assert await answer(sender, registration(OWN), KEY) == nack(Nack.FORMAT)
    assert await answer(sender, registration(KEY), KEY) == accepted(3)


async def test_a_key_is_not_readable_in_the_database(sender):
    await give_key(OWN)

    def column():
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM roadblock_vehiclekey")
            return bytes(cursor.fetchone()[0])

    assert OWN not in await in_thread(column)
    assert (await in_thread(VehicleKey.objects.get)).secret == OWN.decode()


async def test_a_catch_is_signed_by_runner_or_catcher(connect, sender):
    await in_thread(factories.runner, 12)
    await give_key(OWN)
    events = await connect("events")
    assert (await told(events)).type == packets.CHASE_STARTED_FOR_VEHICLES

    frame = client_packets.catch_report(OWN, 3, 12)

    assert await answer(events, frame, KEY) == pair(0xFC, 3, 12)


@pytest.mark.parametrize("first", [0, 7, 2**53, 2**64 - 2])
async def test_a_counter_must_rise(sender, first):
    await give_key(OWN, counter_required=True)

    answers = [
        await answer(sender, registration(OWN, counter), OWN)
        for counter in (first, first, first + 1, first)
    ]

    refused = nack(Nack.FORMAT)
    assert answers == [accepted(3), refused, accepted(3), refused]


async def test_a_counter_may_not_be_missing(sender):
    await give_key(OWN, counter_required=True)

    assert await answer(sender, registration(OWN), OWN) == nack(Nack.FORMAT)


async def test_a_counter_may_be_there_where_none_is_asked_for(sender):
    answers = [await answer(sender, registration(KEY, 5), KEY) for _ in range(2)]

    assert answers == [accepted(3)] * 2


async def test_each_type_of_frame_counts_for_itself(sender):
    await give_key(OWN, counter_required=True)
    assert await answer(sender, registration(OWN, 5), OWN) == accepted(3)

    await say(sender, client_packets.position(OWN, 3, 1, 2, 0))
    stale = await answer(sender, client_packets.position(OWN, 3, 1, 2, 0), OWN)

    assert stale == nack(Nack.FORMAT)
    assert (await tracking.tracker()).cars[3].x == 1


async def test_a_new_key_counts_from_the_start(sender):
    await give_key(OWN, counter_required=True)
    assert await answer(sender, registration(OWN, 99), OWN) == accepted(3)

    await give_key(b"another", counter_required=True)

    assert await answer(sender, registration(b"another", 0), b"another") == accepted(3)
