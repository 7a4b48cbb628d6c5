"""Events: published after commit, one subscription a group, streams that end."""

import asyncio
import contextlib
import json
import random

import httpx
import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from config import asgi, realtime
from config.realtime import event_stream, in_thread, publish, publish_now
from roadblock.wire import EVENT_LOG
from tests import serving
from tests.conftest import token

GROUP = "tests.realtime"


@pytest.fixture
async def hub():
    """Return this event loop's hub; it ends with the test."""
    yield realtime.hub()
    await realtime.hub().close()
    await get_channel_layer().flush()


class Listener(asyncio.Queue):
    """Keeps the events it is called with."""

    def __call__(self, event):
        self.put_nowait(event)

    async def next(self):
        return await asyncio.wait_for(self.get(), 5)


async def subscribers(group=GROUP):
    """Return how many connections to Valkey listen to the group, as Valkey counts."""
    layer = get_channel_layer()._get_layer()
    shard = layer._get_shard(group)
    shard._ensure_redis()
    name = layer._get_group_channel_name(group)
    return dict(await shard._redis.pubsub_numsub(name)).popitem()[1]


async def becomes(number, group=GROUP):
    for _ in range(100):
        if await subscribers(group) == number:
            return True
        await asyncio.sleep(0.02)
    return False


# publish


async def test_an_event_arrives_with_its_fields(hub):
    listener = Listener()
    await hub.join(GROUP, listener)

    await publish_now(GROUP, "thing.happened", number=1, text="글", frame=b"\0")

    assert await listener.next() == {
        "type": "thing.happened",
        "group": GROUP,
        "number": 1,
        "text": "글",
        "frame": b"\0",
    }


async def test_an_event_waits_for_the_commit(hub, transactional_db):
    listener = Listener()
    await hub.join(GROUP, listener)
    heard_inside = []

    def change():
        with transaction.atomic():
            publish(GROUP, "inside")
            publish(GROUP, "inside.too")
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.2), loop).result()
            heard_inside.append(listener.qsize())

    loop = asyncio.get_running_loop()
    await in_thread(change)

    assert heard_inside == [0]
    assert (await listener.next())["type"] == "inside"
    assert (await listener.next())["type"] == "inside.too"


async def test_an_event_of_a_rolled_back_change_never_was(hub, transactional_db):
    listener = Listener()
    await hub.join(GROUP, listener)

    def change():
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            publish(GROUP, "undone")
            raise ZeroDivisionError
        publish(GROUP, "done")

    await in_thread(change)

    assert (await listener.next())["type"] == "done"
    assert listener.empty()


async def test_a_task_that_takes_its_cancellation_for_a_failure_ends():
    tries = []

    async def stubborn():
        while len(tries) < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                tries.append("failed")

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await realtime.end(task)

    assert task.done()


# The hub


async def test_a_group_is_subscribed_once_and_let_go_by_the_last(hub):
    first, second = Listener(), Listener()
    await hub.join(GROUP, first)
    await hub.join(GROUP, second)
    assert await becomes(1)

    await hub.leave(GROUP, first)
    await publish_now(GROUP, "for.the.second")
    assert (await second.next())["type"] == "for.the.second"
    assert first.empty()

    await hub.leave(GROUP, second)
    assert await becomes(0)


async def test_leaving_twice_or_without_joining_does_no_harm(hub):
    listener, other = Listener(), Listener()
    await hub.leave(GROUP, other)
    await hub.join(GROUP, listener)
    await hub.leave(GROUP, other)
    await hub.leave(GROUP, other)

    await publish_now(GROUP, "heard")

    assert (await listener.next())["type"] == "heard"


async def test_who_joins_beside_the_first_waits_until_events_arrive(hub, monkeypatch):
    layer = get_channel_layer()._get_layer()
    add, subscribed = layer.group_add, []

    async def slow_add(group, channel):
        await asyncio.sleep(0.2)
        await add(group, channel)
        subscribed.append(group)

    monkeypatch.setattr(layer, "group_add", slow_add)
    first = asyncio.create_task(hub.join(GROUP, Listener()))
    await asyncio.sleep(0.05)

    await hub.join(GROUP, Listener())

    assert subscribed == [GROUP]
    await first


async def test_a_first_joiner_that_gives_up_leaves_the_group_to_others(
    hub, monkeypatch
):
    layer = get_channel_layer()._get_layer()
    add = layer.group_add
    await hub.join("tests.other", Listener())  # the hub's channel is there

    async def never_add(group, channel):
        await asyncio.sleep(60)

    monkeypatch.setattr(layer, "group_add", never_add)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hub.join(GROUP, Listener()), 0.1)
    monkeypatch.setattr(layer, "group_add", add)
    listener = Listener()
    await hub.join(GROUP, listener)
    await publish_now(GROUP, "heard")

    assert (await listener.next())["type"] == "heard"


async def test_any_order_of_joins_and_leaves_ends_subscribed(hub):
    chance = random.Random(7)
    groups = [f"tests.{number}" for number in range(5)]

    async def come_and_go():
        listener = Listener()
        for group in chance.choices(groups, k=20):
            await hub.join(group, listener)
            await asyncio.sleep(chance.random() / 500)
            await hub.leave(group, listener)
        stays = chance.choice(groups)
        await hub.join(stays, listener)
        return stays, listener

    staying = await asyncio.gather(*(come_and_go() for _ in range(50)))
    for group in groups:
        await publish_now(group, "last", name=group)

    for group, listener in staying:
        event = await listener.next()
        assert (event["type"], event["name"]) == ("last", group)
        await hub.leave(group, listener)
    assert [await becomes(0, group) for group in groups] == [True] * 5


async def test_a_listener_that_fails_keeps_no_other_from_hearing(hub, caplog):
    def failing(event):
        raise ValueError("broken on purpose")

    listener = Listener()
    await hub.join(GROUP, failing)
    await hub.join(GROUP, listener)

    for _ in range(2):
        await publish_now(GROUP, "heard")
        assert (await listener.next())["type"] == "heard"

    assert "A listener failed on heard" in caplog.text


# Streams


async def test_a_stream_begins_goes_on_and_ends(hub):
    async def first():
        return [{"type": "state", "number": 0}]

    stream = event_stream(GROUP, first=first, ends=lambda event: event["type"] == "end")

    assert await anext(stream) == b": connected\n\n"
    assert await anext(stream) == b'event: state\ndata: {"number": 0}\n\n'
    await publish_now(GROUP, "moved", id=7, text="글\n")
    await publish_now(GROUP, "end")
    await publish_now(GROUP, "too.late")
    assert (await anext(stream)).decode() == (
        'event: moved\nid: 7\ndata: {"id": 7, "text": "글\\n"}\n\n'
    )
    assert [frame async for frame in stream] == [b"event: end\ndata: {}\n\n"]
    assert await becomes(0)


async def test_a_stream_that_ends_at_its_first_events_is_not_kept(hub):
    async def first():
        return [{"type": "end"}, {"type": "never"}]

    stream = event_stream(GROUP, first=first, ends=lambda event: event["type"] == "end")

    assert len([frame async for frame in stream]) == 2
    assert await becomes(0)


async def test_what_happens_while_the_first_events_are_read_is_not_lost(hub):
    async def first():
        await publish_now(GROUP, "meanwhile")
        return [{"type": "state"}]

    stream = event_stream(GROUP, first=first)
    frames = [await anext(stream) for _ in range(3)]

    assert frames[1:] == [
        b"event: state\ndata: {}\n\n",
        b"event: meanwhile\ndata: {}\n\n",
    ]
    await stream.aclose()


async def test_a_silent_stream_has_a_heartbeat(hub, monkeypatch):
    monkeypatch.setattr(realtime, "HEARTBEAT_SECONDS", 0.1)
    stream = event_stream(GROUP)
    await anext(stream)

    assert await anext(stream) == b": heartbeat\n\n"
    await publish_now(GROUP, "moved")
    frames = [await anext(stream) for _ in range(2)]
    assert b"event: moved\ndata: {}\n\n" in frames
    await stream.aclose()


async def test_a_reader_that_leaves_is_unsubscribed(hub):
    stream = event_stream(GROUP)
    await anext(stream)
    assert await becomes(1)

    reading = asyncio.create_task(anext(stream))
    await asyncio.sleep(0.05)
    reading.cancel()

    assert await becomes(0)


async def test_a_reader_too_far_behind_is_let_go(hub):
    stream = event_stream(GROUP)
    await anext(stream)

    for number in range(realtime.STREAM_QUEUE + 10):
        await publish_now(GROUP, "moved", number=number)
    await asyncio.sleep(0.3)

    assert [frame async for frame in stream] == []
    assert await becomes(0)


# The whole way, over a real server


@pytest.fixture
def server(transactional_db):
    with serving.in_thread(asgi.application) as served:
        yield served


PATH = "/roadblock/vehicles/events/stream"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
def test_a_stream_is_for_people_who_signed_in(server, headers):
    response = httpx.get(server.url + PATH, headers=headers)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("path", [PATH, PATH + "/", PATH.replace("/v", "/api/v")])
def test_a_stream_brings_events_over_http(server, outsider, path):
    headers = {"Authorization": f"Bearer {token(outsider)}"}
    with httpx.stream("GET", server.url + path, headers=headers, timeout=5) as response:
        lines = response.iter_lines()
        assert response.headers["content-type"] == "text/event-stream"
        assert next(lines) == ": connected"

        publish(EVENT_LOG, "chase.started", id=3)

        assert next(lines) == ""
        assert next(lines) == "event: chase.started"
        assert next(lines) == "id: 3"
        assert json.loads(next(lines).removeprefix("data: ")) == {"id": 3}
