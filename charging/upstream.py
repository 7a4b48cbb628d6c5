"""Other people's services: asked within a time, and left alone while they are down.

What they answer in trouble is never repeated: it may quote a key. All processes share
what they know of a service's health through the cache; while that is away, nothing is
known and every request is tried.
"""

import asyncio
import json
import logging
import threading
import time
from contextlib import contextmanager, suppress
from functools import cache as once

import httpx
from django.core.cache import cache
from redis import RedisError

from config.errors import DomainError, Unavailable

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
LARGEST_ANSWER = 1 << 20
# A gateway's word that nobody is behind it; any other status is a living service's.
DOWN_STATUSES = {502, 503, 504}
BROKEN_OFF = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)


class BadGateway(DomainError):
    """The service behind this one gave no usable answer."""

    status = 502
    code = "bad_gateway"


class GatewayTimeout(DomainError):
    """The service behind this one did not answer in time."""

    status = 504
    code = "gateway_timeout"


class Down(Unavailable):
    """The service behind this one is down; please try again soon."""

    code = "upstream_down"


class Busy(Unavailable):
    """Too many requests wait for the service behind this one; please try again."""

    code = "upstream_busy"


@once
def _line():
    """Return the event loop that all exchanges of this process run in, and its client.

    Only there can one time be set for everything from the name's look-up to the last
    byte; blocking sockets know a time for each step. The client keeps connections.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="upstreams", daemon=True).start()
    return loop, httpx.AsyncClient(follow_redirects=False)


async def exchange(client, request, seconds):
    """Return status, headers and body of the answer; raise TimeoutError when it is not
    all there in time.

    Of a body that is too long no more is read than shows that.
    """
    body = bytearray()
    async with asyncio.timeout(seconds):
        answer = await client.send(request, stream=True)
        try:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    break
        finally:
            await answer.aclose()
    return answer.status_code, answer.headers, bytes(body)


class Upstream:
    """One service behind ours.

    Ask inside `with upstream.turn():`, of which a process has `at_once`, so that a
    hanging service cannot take every thread. After `failures` in a row it counts as
    down for `rest_seconds`; then one request is let through to see, and the others
    wait for what it finds. A failure is what says that nobody is there; who refuses
    a picture, or answers nonsense, is.
    """

    def __init__(self, name, *, at_once, failures=5, rest_seconds=15, patience=0):
        self.name = name
        self.failures = failures
        self.rest_seconds = rest_seconds
        self.patience = patience  # seconds to wait for one's turn
        self.turns = threading.BoundedSemaphore(at_once)

    @contextmanager
    def turn(self):
        if not self.turns.acquire(timeout=self.patience):
            raise Busy(headers={"Retry-After": "1"})
        try:
            yield
        finally:
            self.turns.release()

    def ask(self, method, url, *, seconds, connect_seconds=CONNECT_SECONDS, **content):
        """Return (JSON of the answer, its headers); raise one of the errors above."""
        loop, client = _line()
        timeout = httpx.Timeout(None, connect=connect_seconds)
        try:
            request = client.build_request(method, url, timeout=timeout, **content)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise self.failed(error) from error
        self.refuse_while_down(seconds)
        with self.health_noted():
            status, headers, body = asyncio.run_coroutine_threadsafe(
                exchange(client, request, seconds), loop
            ).result()
        if status in DOWN_STATUSES:
            self.note_failure()
        else:
            self.note_success()
        if status >= 400 or len(body) > LARGEST_ANSWER:
            size = len(body)
            log.warning("The upstream %s answered %d, %d B", self.name, status, size)
            raise BadGateway
        try:
            return json.loads(body), headers
        except (ValueError, RecursionError) as error:
            log.warning("The upstream %s answered what is no JSON", self.name)
            raise BadGateway from error

    @contextmanager
    def health_noted(self):
        try:
            yield
        except (TimeoutError, httpx.TimeoutException) as error:
            self.note_failure()
            log.warning("The upstream %s did not answer in time", self.name)
            raise GatewayTimeout from error
        except (httpx.HTTPError, UnicodeError) as error:  # the latter: of a host's name
            if isinstance(error, BROKEN_OFF):
                self.note_failure()
            elif isinstance(error, httpx.DecodingError):
                self.note_success()
            raise self.failed(error) from error

    def failed(self, error):
        log.warning("The upstream %s failed: %s", self.name, type(error).__name__)
        return BadGateway()

    # Its health, shared by all processes. `down` holds until when it rests, and
    # outlives that: what it names then is a service that must first prove itself.

    def key(self, part):
        return f"charging:upstream:{self.name}:{part}"

    def refuse_while_down(self, seconds):
        with _cache_may_be_away():
            until = cache.get(self.key("down"))
            if until is None:
                return
            left = until - time.time()
            # One request at a time finds out whether it is back.
            if left <= 0 and cache.add(self.key("probe"), 1, seconds + 1):
                return
            raise Down(headers={"Retry-After": str(max(1, round(left)))})

    def note_failure(self):
        with _cache_may_be_away():
            key = self.key("failures")
            if count(key, self.rest_seconds * 20) >= self.failures:
                until = time.time() + self.rest_seconds
                cache.set(self.key("down"), until, self.rest_seconds * 20)
                cache.delete(self.key("probe"))

    def note_success(self):
        with _cache_may_be_away():
            cache.delete_many([self.key(p) for p in ("failures", "down", "probe")])


def count(key, seconds):
    """Count one more under a key of the cache, and return how many there are."""
    while True:
        cache.add(key, 0, seconds)
        with suppress(ValueError):  # it expired between the two steps
            return cache.incr(key)


@contextmanager
def _cache_may_be_away():
    try:
        yield
    except RedisError as error:
        log.warning("The cache is away: %s", type(error).__name__)
