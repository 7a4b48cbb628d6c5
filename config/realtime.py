"""publish() an event after commit; event_stream(); in_thread() for blocking work.

An event is a flat dict of plain values with a `type`, sent to a group by name. Every
server process subscribes to a group once, however many of its sockets and streams
listen: the hub hands the event on inside the process. A socket that comes and goes
with a single frame therefore costs no subscription.
"""

import asyncio
import json
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import OperationalError, close_old_connections, transaction

from config import errors, outages  # the modules: errors may still be loading

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15
STREAM_QUEUE = 256


_threads = ThreadPoolExecutor(settings.HTTP_THREADS, thread_name_prefix="socket")


async def in_thread(function, *args, **kwargs):
    """Run blocking work, such as queries, in the sockets' thread pool.

    Raises DatabaseUnavailable when the work failed because the database is away.
    """

    def work():
        close_old_connections()
        try:
            return function(*args, **kwargs)
        except OperationalError as error:
            if outages.noticed(error):
                raise errors.DatabaseUnavailable from error
            raise
        finally:
            close_old_connections()

    return await sync_to_async(work, thread_sensitive=False, executor=_threads)()


async def end(*tasks):
    """Cancel tasks until they have ended.

    Once may not be enough: the client of Valkey can take a cancellation for a failure
    of its own, and the task lives on.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _done, pending = await asyncio.wait(pending, timeout=1)
    await asyncio.gather(*tasks, return_exceptions=True)


EVERYBODY = "everybody"  # the group of what concerns all apps: a restored database


def user_group(user):
    """Return the group that every socket of a user listens to."""
    return f"user.{user.pk}"


def publish(group, type, **fields):
    """Send an event to a group once the present transaction commits.

    From synchronous code; inside the event loop, `publish_now` is the one to await.
    """
    event = {"type": type, "group": group, **fields}
    transaction.on_commit(lambda: _send(event))


def packed(group, type, **fields):
    """Return (channel, bytes): an event for who has a pipeline to Valkey anyway.

    PUBLISH of the two, after the commit, is what publish() does.
    """
    layer = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    event = {"type": type, "group": group, **fields}
    channel = f"{layer['prefix']}__group__{group}"
    return channel, get_channel_layer().serialize(event)


async def publish_now(group, type, **fields):
    """Send an event to a group, from async code that has no transaction."""
    await get_channel_layer().group_send(
        group, {"type": type, "group": group, **fields}
    )


def _send(event):
    send = get_channel_layer().group_send(event["group"], event)
    if _server_loop is None:
        async_to_sync(_awaited)(send)
    else:
        # One connection, one order; and the request does not wait for the broker.
        future = asyncio.run_coroutine_threadsafe(send, _server_loop)
        future.add_done_callback(_log_failure)


async def _awaited(coroutine):
    await coroutine


def _log_failure(future):
    if not future.cancelled() and future.exception():
        log.error("An event was not published", exc_info=future.exception())


_server_loop = None


def serve_on(loop):
    """Let publish() use the event loop of this server process; None ends that."""
    global _server_loop
    _server_loop = loop


class Hub:
    """Hands the events of groups to the listeners inside one event loop."""

    def __init__(self):
        self.listeners = defaultdict(set)
        self.subscribed = set()  # groups whose events arrive; changed under the lock
        self.channel = None
        self.task = None
        self.lock = asyncio.Lock()

    async def join(self, group, listener):
        """Call listener(event) for each event of the group from now on."""
        self.listeners[group].add(listener)
        if group in self.subscribed:
            return
        async with self.lock:
            if group in self.subscribed or group not in self.listeners:
                return
            layer = get_channel_layer()
            if self.channel is None:
                self.channel = await layer.new_channel()
                self.task = asyncio.create_task(self.run(layer))
            await layer.group_add(group, self.channel)
            self.subscribed.add(group)

    async def leave(self, group, listener):
        """Undo join(); the last one to leave ends the subscription."""
        listeners = self.listeners.get(group)
        if listeners is None:
            return
        listeners.discard(listener)
        if listeners:
            return
        del self.listeners[group]
        async with self.lock:
            if group not in self.listeners and group in self.subscribed:
                # First: who joins meanwhile must wait and subscribe anew.
                self.subscribed.discard(group)
                await get_channel_layer().group_discard(group, self.channel)

    async def run(self, layer):
        while True:
            event = await layer.receive(self.channel)
            for listener in tuple(self.listeners.get(event["group"], ())):
                try:
                    listener(event)
                except Exception:
                    log.exception("A listener failed on %s", event["type"])

    async def close(self):
        if self.task is not None:
            await end(self.task)
        _hubs.pop(asyncio.get_running_loop(), None)


_hubs = {}


def hub():
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for stale in [other for other in _hubs if other.is_closed()]:
            del _hubs[stale]
        _hubs[loop] = Hub()
    return _hubs[loop]


async def event_stream(
    group, *, first=None, missed=None, ends=lambda event: False, render=None
):
    """Yield a group's events as server-sent events, heartbeats as comments between.

    `first` is an async callable returning the events to begin with, called after the
    subscription stands so that nothing falls between; `missed` returns those that were
    lost on the way, and is called at each heartbeat; ends(event) says that an event
    is the last; render(event) makes the frame in place of `as_sse`, empty for none. A
    reader that falls behind by STREAM_QUEUE events is let go: it comes back and reads
    the present state.
    """
    queue = asyncio.Queue(STREAM_QUEUE)
    behind = asyncio.Event()

    def listen(event):
        try:
            queue.put_nowait(event)
        except asyncio.QueueFull:
            behind.set()

    try:
        await hub().join(group, listen)
        yield b": connected\n\n"
        events = await first() if first else ()
        while not behind.is_set():
            for event in events:
                if frame := (render or as_sse)(event):
                    yield frame
                if ends(event):
                    return
            try:
                events = [await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)]
            except TimeoutError:
                yield b": heartbeat\n\n"
                events = await missed() if missed else ()
    finally:
        await hub().leave(group, listen)


def as_sse(event):
    """Return one frame of an event stream; `id` and `type` become its own lines."""
    data = {k: v for k, v in event.items() if k not in ("type", "group")}
    lines = [f"event: {event['type']}"]
    if "id" in data:
        lines.append(f"id: {data['id']}")
    lines.append("data: " + json.dumps(data, ensure_ascii=False, default=str))
    return ("\n".join(lines) + "\n\n").encode()
