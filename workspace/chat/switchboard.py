"""A server process' own chat sockets: who of them gets what, and when.

Changes and messages come to every process in one line, in the order in which they
happened; a socket enters and changes groups when the word of it comes by. So nobody
misses a message between two groups, and no message overtakes another.
"""

import asyncio
import json
import logging
from collections import Counter, defaultdict
from functools import cached_property

from config.errors import Unavailable
from config.realtime import end, hub, publish_now
from workspace.chat import lines
from workspace.chat.pipe import Pipe
from workspace.chat.register import (
    GROUP,
    NO_LISTS,
    REFRESH_SECONDS,
    SWEEP_SECONDS,
    TO_ALL,
    TO_GROUP,
    IdHeld,
    Register,
)

log = logging.getLogger(__name__)

ID_HELD = 4409

# A round of lists to everyone follows a change by CALM, and the round before by PAUSE.
# When many come or go at once it waits for calm, as long as a round would take at
# RUSH_BYTES a second: a thousand members get 300 MB by one, and messages go first.
CALM_SECONDS, PAUSE_SECONDS, LONGEST_PAUSE = 0.03, 0.15, 2
RUSH_BYTES = 4 << 20
SLICE = 64  # sockets told without letting others work
ACTIVITY_SECONDS = 1
HELLO_SECONDS = 0.05


class Message(dict):
    """A message, and what it looks like to two kinds of clients."""

    @cached_property
    def line(self):
        return lines.of_message(self)

    @cached_property
    def frame(self):
        return lines.as_frame(self)


class Switchboard:
    """The chat sockets of one event loop."""

    def __init__(self):
        self.register = Register(Pipe())
        self.sockets = {}  # by the id of their place, from before they are entered
        self.everyone = set()
        self.by_group, self.by_key = defaultdict(set), defaultdict(set)
        self.lists, self.fetching = NO_LISTS, None
        self.newest = 0  # version of the last change
        self.gone = []  # (version, line) of those whose end is still to be told
        self.round, self.last_round, self.changed_at = None, 0, 0
        self.active, self.activity = Counter(), None
        self.starting, self.started = asyncio.Lock(), False
        self.awake = asyncio.Event()
        self.keeping = None

    async def start(self):
        """Listen, and know that it works: the first socket must hear of itself."""
        async with self.starting:
            if self.started:
                return
            await hub().join(GROUP, self.hear)
            while not self.awake.is_set():
                await publish_now(GROUP, "chat.hello", process=self.register.process)
                try:
                    await asyncio.wait_for(self.awake.wait(), HELLO_SECONDS)
                except TimeoutError:
                    continue
            self.keeping = asyncio.create_task(self.keep())
            self.started = True

    async def close(self):
        tasks = [task for task in (self.keeping, self.round) if task is not None]
        if tasks:
            await end(*tasks)
        if self.activity is not None:
            self.activity.cancel()
        await hub().leave(GROUP, self.hear)
        await self.register.pipe.close()
        _boards.pop(asyncio.get_running_loop(), None)

    # Sockets

    async def join(self, socket):
        """Enter a socket; raise IdHeld."""
        place = socket.place
        self.sockets[place.id] = socket
        try:
            socket.version = await self.register.join(place)
        except BaseException:
            del self.sockets[place.id]
            raise

    async def leave(self, socket):
        self.sockets.pop(socket.place.id, None)
        self.take_out(socket)
        try:
            await self.register.forget(socket.place.id)
        except Unavailable:
            log.warning("A socket's end is told later: Valkey is away")

    def put_in(self, socket, group):
        self.take_out(socket)
        socket.listed_in = group
        self.everyone.add(socket)
        if socket.place.key:
            self.by_key[socket.place.key].add(socket)
        if group:
            self.by_group[group].add(socket)

    def take_out(self, socket):
        self.everyone.discard(socket)
        for index, key in (
            (self.by_key, socket.place.key),
            (self.by_group, socket.listed_in),
        ):
            if key in index:
                index[key].discard(socket)
                if not index[key]:
                    del index[key]

    # What comes by

    def hear(self, event):
        if event["type"] == "chat.said":
            self.hand_out(Message(event))
        elif event["type"] == "chat.changed":
            self.note(event)
        elif event["process"] == self.register.process:
            self.awake.set()

    def note(self, event):
        version = event["version"]
        socket = self.sockets.get(event.get("joined") or event.get("moved"))
        if socket is not None:
            if "joined" in event:
                socket.version = version
            self.put_in(socket, event.get("to", socket.place.group))
            socket.settle(version)
        for key in event.get("gone", ()):
            if key:
                self.gone.append((version, f"Client '{key[1:]}' has disconnected"))
        self.expect_round(version)

    def hand_out(self, message):
        toward = message["toward"]
        if toward == TO_ALL:
            sockets = self.everyone
        else:
            index = self.by_group if toward == TO_GROUP else self.by_key
            sockets = index.get(message["at"], ())
        for socket in sockets:
            socket.take(message)
        if speaker := self.sockets.get(message.get("by")):
            speaker.spoke(message)
        if message.get("id"):
            self.note_activity(message["room"])

    # Lists: at once to whom they concern, in rounds to all others

    async def lists_since(self, version):
        """Return lists that show the change of this version, or later ones."""
        for _attempt in range(2):  # one that is under way may be too old
            if self.lists.version >= version:
                break
            if self.fetching is None:
                self.fetching = asyncio.create_task(self.fetch())
            await asyncio.shield(self.fetching)
        return self.lists

    async def fetch(self):
        try:
            self.lists = await self.register.lists()
        finally:
            self.fetching = None

    def expect_round(self, version):
        self.newest = max(self.newest, version)
        self.changed_at = asyncio.get_running_loop().time()
        if self.round is None:
            self.round = asyncio.create_task(self.go_round())

    async def go_round(self):
        """Tell everyone of changes, again and again until there are none."""
        told = 0
        try:
            while told < self.newest:
                await self.calm()
                lists = await self.lists_since(self.newest)
                told = lists.version
                await self.tell_all(told)
                self.last_round = asyncio.get_running_loop().time()
        except Unavailable:
            log.warning("Lists are told later: Valkey is away")
        finally:
            self.round = None

    async def calm(self):
        """Wait for the moment to tell everyone."""
        loop = asyncio.get_running_loop()
        began = max(self.last_round, loop.time() - PAUSE_SECONDS)
        while (waited := loop.time() - began) < LONGEST_PAUSE:
            is_calm = loop.time() - self.changed_at >= CALM_SECONDS
            size = len(self.lists.client_list) * len(self.everyone)
            if waited >= PAUSE_SECONDS and (is_calm or waited >= size / RUSH_BYTES):
                return
            await asyncio.sleep(CALM_SECONDS)

    async def tell_all(self, version):
        gone = [one for one in self.gone if one[0] <= version]
        self.gone = self.gone[len(gone) :]
        for number, socket in enumerate(tuple(self.everyone), 1):
            socket.expect_lists(version)
            for when, line in gone:
                if socket.version < when:
                    socket.send(line)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    # For clients that show unread marks

    def note_activity(self, room):
        self.active[room] += 1
        if self.activity is None:
            loop = asyncio.get_running_loop()
            self.activity = loop.call_later(ACTIVITY_SECONDS, self.tell_activity)

    def tell_activity(self):
        groups = [{"name": name, "count": n} for name, n in self.active.items()]
        frame = json.dumps({"type": "activity", "groups": groups}, ensure_ascii=False)
        self.active, self.activity = Counter(), None
        for socket in self.everyone:
            if socket.wants_frames:
                socket.send(frame)

    # Signs of life

    async def keep(self):
        seconds = 0
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            seconds += SWEEP_SECONDS
            try:
                await self.register.sweep()
                if seconds >= REFRESH_SECONDS:
                    seconds = 0
                    await self.refresh()
            except Unavailable as error:
                log.warning("Chat is not renewed: %s", error)

    async def refresh(self):
        """Renew what is here, and put right what was lost or kept meanwhile."""
        version, known = await self.register.refresh()
        for id in known - self.sockets.keys():
            await self.register.forget(id)
        for id, socket in tuple(self.sockets.items()):
            if not socket.version:
                continue  # on its way in
            if id not in known:
                await self.join_again(socket)
            if id in self.sockets:
                self.put_in(socket, socket.place.group)
        if max(version, self.newest) > self.lists.version:
            self.expect_round(version)

    async def join_again(self, socket):
        try:
            await self.register.join(socket.place)
        except IdHeld:
            socket.close(ID_HELD)
        if socket.place.id not in self.sockets:  # it left meanwhile
            await self.register.forget(socket.place.id)


_boards = {}


async def switchboard():
    """Return the switchboard of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _boards:
        for stale in [other for other in _boards if other.is_closed()]:
            del _boards[stale]
        _boards[loop] = Switchboard()
    board = _boards[loop]
    await board.start()
    return board


async def stop():
    """End what the running event loop's switchboard does besides its sockets."""
    if board := _boards.get(asyncio.get_running_loop()):
        await board.close()
