"""Chat clients for tests, over a real server, and what the lists say."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import connect

from tests.conftest import token

PATIENCE = 10
QUIET = 0.35  # longer than lists may take


class Talker:
    """A connected client."""

    def __init__(self, socket):
        self.socket = socket
        self.close = socket.close

    async def say(self, text):
        await self.socket.send(text)

    async def hear(self):
        """Return the next frame: a dict of one in JSON, else the line."""
        return read(await asyncio.wait_for(self.socket.recv(), PATIENCE))

    async def line(self):
        """Return the next line, past lists."""
        while isinstance(frame := await self.hear(), dict):
            pass
        return frame

    async def lines(self, count):
        return [await self.line() for _ in range(count)]

    async def frame(self, type):
        """Return the next frame of a type."""
        while True:
            frame = await self.hear()
            if isinstance(frame, dict) and frame["type"] == type:
                return frame

    async def until(self, last):
        """Return the lines up to the one that is awaited, which is the last."""
        heard = []
        while not heard or heard[-1] != last:
            heard.append(await self.line())
        return heard

    async def all(self):
        """Return the frames until it is quiet."""
        heard = []
        while True:
            try:
                frame = await asyncio.wait_for(self.socket.recv(), QUIET)
            except TimeoutError:
                return heard
            heard.append(read(frame))


def read(frame):
    try:
        value = json.loads(frame)
    except ValueError:
        return frame
    return value if isinstance(value, dict) else frame


@asynccontextmanager
async def talking(site):
    """Yield a function that connects Talkers to a server; they leave at the end."""
    async with AsyncExitStack() as stack:

        async def client(path, user=None, **options):
            headers = {"Authorization": f"Bearer {token(user)}"} if user else {}
            socket = await stack.enter_async_context(
                connect(
                    f"{site.ws}/workspace{path}",
                    additional_headers=headers,
                    proxy=None,
                    max_size=None,
                    max_queue=None,
                    compression=None,
                    **options,
                )
            )
            return Talker(socket)

        yield client
