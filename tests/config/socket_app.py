"""Sockets that show what the base consumer does, served by test_consumers."""

import json

from channels.routing import URLRouter
from django.urls import re_path

from config.asgi import lifespan
from config.auth import SocketAuthentication
from config.consumers import Consumer, Refusal, UnknownPath
from config.errors import Conflict

DOOR_CLOSED = 4409
FEED = "tests.feed"
events = []  # what the consumers note for the tests


class Echo(Consumer):
    """Sends back what comes; some words make it fail."""

    async def receive(self, data):
        if data == "refuse":
            raise Conflict("There is one already.")
        if data == "break":
            raise ValueError("broken on purpose")
        if data == "miss":
            raise FileNotFoundError("a file of the server's, not the client's socket")
        if data == "who":
            data = self.user.email
        self.send(data)

    async def left(self):
        events.append("left")


class Open(Echo):
    login_required = False


class Small(Open):
    max_frame_bytes = 100


class Idle(Open):
    idle_seconds = 0.3


class Explaining(Echo):
    explains_refusal = True


class Turning(Open):
    """Turns away by what the path says."""

    async def connect(self):
        name = self.scope["url_route"]["kwargs"]["name"]
        if name == "refused":
            raise Refusal(DOOR_CLOSED)
        if name == "conflict":
            raise Conflict
        raise ValueError("broken on purpose")


class Feed(Consumer):
    """Passes on the frames of a group; fails where an event says so."""

    login_required = False
    max_queue = 50
    max_queue_bytes = 1 << 20

    async def connect(self):
        await self.join(FEED)

    async def feed_frame(self, event):
        self.send(event["frame"])

    async def feed_broken(self, event):
        raise ValueError("broken on purpose")


class Counting(Open):
    """Sends as many numbers as it is told, all at once."""

    max_queue = 20_000

    async def receive(self, data):
        for number in range(json.loads(data)):
            self.send(str(number))


PATHS = {
    "echo": Echo,
    "open": Open,
    "small": Small,
    "idle": Idle,
    "explaining": Explaining,
    "turning/(?P<name>.+)": Turning,
    "feed": Feed,
    "counting": Counting,
    "": UnknownPath,
}
websockets = SocketAuthentication(
    URLRouter([re_path(f"^{path}", kind.as_asgi()) for path, kind in PATHS.items()])
)


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:
        await websockets(scope, receive, send)
