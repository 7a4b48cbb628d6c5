"""A fast lane for guests who read a day again and again.

The web front end reads fourteen days at every step of a booking. What Django answers to
a guest is kept here, in the event loop, and given out again as long as the version of
the day stands in Valkey (see `board`): a kept answer is never older than the last
booking. All other requests pass by. An answer is kept for KEEPS at most: so long it
could outlive a process that was killed between its commit and the new version.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass

import redis.asyncio
from django.conf import settings

from charging import board, lanes
from charging.callers import rate_of
from charging.serializers import DATE
from config.errors import TooMany
from config.throttling import SCRIPT

PATHS = tuple(f"/charging/api/reservations/by-session{slash}" for slash in ("", "/"))
KEEPS = 2.0
QUARTER = 900  # statuses change by the clock, on the half hour of some zone
VALKEY_SECONDS = 1
# One command for what would be two: the wait, and the versions of the other two keys.
CHARGED_READING = f"""
local function wait()
{SCRIPT}
end
return {{wait(), redis.call('MGET', KEYS[2], KEYS[3])}}
"""


@dataclass(frozen=True)
class KeptDay:
    """An answer of Django's, and what must still be so to give it again."""

    version: tuple
    until: float
    headers: list
    etag: bytes
    body: bytes


class ReadingLane:
    """ASGI middleware around the application that serves the pages."""

    def __init__(self, application):
        self.application = application
        self.kept = lanes.Kept()
        self.loop = self.valkey = self.charged_reading = None

    async def __call__(self, scope, receive, send):
        day = day_of(scope)
        if day is None:
            await self.application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        judged = lanes.judged(scope)
        if judged is None:
            await self.application(scope, receive, send)
            return
        key = (day, *judged)
        kept = self.kept.get(key)
        if kept is not None and kept.until < time.monotonic():
            kept = None
        address = (scope.get("client") or ("",))[0]
        try:
            version = await self.version_of(day, address if kept else None)
        except TooMany:
            version = kept = None
        except (redis.RedisError, OSError):
            version = None
        if version is None:
            # Too many requests, or no Valkey: Django finds out and says so itself.
            await self.application(scope, receive, send)
        elif kept is not None and kept.version == version:
            await give(kept, headers, send)
        else:
            await self.pass_on(key, version, scope, receive, send)

    async def version_of(self, day, address):
        """Return what must not change; charge the address for a reading, if given."""
        self.connect()
        keys = board.version_key(day), board.version_key(board.BAYS)
        if address is None:
            versions = await self.valkey.mget(keys)
        else:
            names, values = rate_of("READ").arguments(address)
            wait, versions = await self.charged_reading([*names, *keys], values)
            if wait:
                raise TooMany(retry_after=wait / 1000)
        if None in versions:
            for key in keys:
                await self.valkey.set(
                    key, secrets.token_hex(8), ex=board.VERSION_SECONDS, nx=True
                )
            versions = await self.valkey.mget(keys)
        return (*versions, int(time.time() // QUARTER))

    def connect(self):
        """Have a client of Valkey that belongs to the running event loop."""
        loop = asyncio.get_running_loop()
        if self.loop is not loop:
            self.loop = loop
            self.valkey = redis.asyncio.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=VALKEY_SECONDS,
                socket_connect_timeout=VALKEY_SECONDS,
            )
            self.charged_reading = self.valkey.register_script(CHARGED_READING)

    async def pass_on(self, key, version, scope, receive, send):
        """Let Django answer, and keep what it says if that is the day."""
        headers = dict(scope["headers"])
        asked = [pair for pair in scope["headers"] if pair[0] != b"if-none-match"]
        until = time.monotonic() + KEEPS
        said = []

        async def listen(message):
            said.append(message)

        await self.application({**scope, "headers": asked}, receive, listen)
        if not said:
            return  # the client has left
        start, *pieces = said
        if start["status"] != 200 or not lanes.are_for_all(start["headers"]):
            for message in said:
                await send(message)
            return
        kept = KeptDay(
            version,
            until,
            start["headers"],
            dict(start["headers"])[b"etag"],
            b"".join(piece.get("body", b"") for piece in pieces),
        )
        self.kept[key] = kept
        await give(kept, headers, send)


def day_of(scope):
    """Return the day that a guest asks for, or None for any other request."""
    if scope["method"] != "GET" or scope["path"] not in PATHS:
        return None
    query = scope["query_string"].decode("latin-1")
    if not query.startswith("date=") or not DATE.fullmatch(query[5:]):
        return None
    return query[5:] if lanes.is_guest(scope) else None


async def give(kept, headers, send):
    """Send a kept answer, or tell a client that it has it already."""
    asked = headers.get(b"if-none-match", b"")
    is_known = kept.etag in asked or asked.strip() == b"*"
    await send(
        {
            "type": "http.response.start",
            "status": 304 if is_known else 200,
            "headers": [
                pair
                for pair in kept.headers
                if not is_known or pair[0] not in (b"content-type", b"content-length")
            ],
        }
    )
    await send({"type": "http.response.body", "body": b"" if is_known else kept.body})
