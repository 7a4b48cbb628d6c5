"""The process that hosts terminals, as a thread of the tests; and a browser's side."""

import asyncio
import json
import threading

import pytest

from config.realtime import in_thread
from sshops import terminals
from sshops.shell_host import Host
from tests.browsing import hang_up

SECONDS = 15


class Hosting:
    """A Host in an event loop of its own, which can be stopped and started anew."""

    def start(self):
        started = threading.Event()
        self.failure = None

        async def run():
            self.stopping = asyncio.Event()
            self.loop = asyncio.get_running_loop()
            self.host = Host()
            try:
                await self.host.start()
            except OSError as error:
                self.failure = error
                return
            finally:
                started.set()
            await self.stopping.wait()
            await self.host.stop()

        self.thread = threading.Thread(target=asyncio.run, args=[run()])
        self.thread.start()
        started.wait()
        if self.failure:
            self.thread.join()
            raise self.failure

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()

    def call(self, function):
        """Return what a function gives in the host's event loop."""

        async def work():
            return function()

        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(SECONDS)


@pytest.fixture
def hosting(transactional_db):
    hosting = Hosting()
    hosting.start()
    yield hosting
    hosting.stop()
    hang_up()


class Screen:
    """What a browser has of a terminal's socket: bytes, their place, and messages."""

    def __init__(self, communicator, acknowledges=True):
        self.communicator = communicator
        self.acknowledges = acknowledges
        self.shown = b""
        self.seen = 0  # of it, by until()
        self.offset = None
        self.messages = []
        self.code = None

    async def step(self, seconds=SECONDS):
        """Take in one frame and return it: bytes, a message, or the close code."""
        output = await self.communicator.receive_output(seconds)
        if output["type"] == "websocket.close":
            self.code = output.get("code", 1000)
            return self.code
        if output.get("bytes") is not None:
            self.shown += output["bytes"]
            self.offset += len(output["bytes"])
            if self.acknowledges:
                await self.say(type="ack", offset=self.offset)
            return output["bytes"]
        message = json.loads(output["text"])
        self.messages.append(message)
        if message["type"] in ("attached", "skipped"):
            self.offset = message["offset"]
        return message

    async def say(self, **message):
        await self.communicator.send_to(text_data=json.dumps(message))

    async def type(self, text):
        await self.communicator.send_to(bytes_data=text.encode())

    async def until(self, text, seconds=SECONDS):
        """Return once a text is shown, after what was waited for before."""
        wanted = text.encode()
        async with asyncio.timeout(seconds):
            while (found := self.shown.find(wanted, self.seen)) < 0:
                await self.step()
        self.seen = found + len(wanted)

    async def told(self, type, seconds=SECONDS):
        """Return the next message of a type, or one that has come already."""
        async with asyncio.timeout(seconds):
            while True:
                for message in self.messages:
                    if message["type"] == type:
                        self.messages.remove(message)
                        return message
                await self.step()

    async def closed(self, seconds=SECONDS):
        async with asyncio.timeout(seconds):
            while self.code is None:
                await self.step()
        return self.code


@pytest.fixture
def screen(socket):
    """Return an awaitable function that looks at a terminal as a user."""

    async def look(terminal, user, query="cols=80&rows=24", **options):
        path = f"/sshops/ws/terminals/{terminal.pk}?{query}"
        communicator = socket(path, user)
        await communicator.connect(SECONDS)
        return Screen(communicator, **options)

    return look


@pytest.fixture
def opened(screen, hosting):
    """Return an awaitable function that opens a terminal and waits for its prompt."""

    async def open_terminal(user, server, **options):
        terminal = await in_thread(terminals.create, user, server.name)
        one = await screen(terminal, user, **options)
        await one.told("attached")
        # The shell says so itself once it reads: what is typed earlier comes twice.
        await one.type(
            "bind 'set enable-bracketed-paste off'; PS1='> '; stty -echo\n"
            "echo RE''ADY\n"
        )
        await one.until("READY\r\n> ")
        return terminal, one

    return open_terminal
