"""Other people's services: asked within a time, and left alone while they are down.

What they answer in trouble is never repeated: it may quote a key. All processes share
what they know of a service's health through the cache; while that is away, nothing is
known and every request is tried.
"""

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
def _client():
    # One for the whole process: connections are kept and used again.
    return httpx.Client(follow_redirects=False)


class Upstream:
    """One service behind ours.

    Ask inside `with upstream.turn():`, of which a process has `at_once`, so that a
    hanging service cannot take every thread. After `failures` in a row it counts as
    down for `rest_seconds`; then one request is let through to see, and the others
    wait for what it finds.
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

    def ask(self, method, url, *, seconds, connect_seconds=CONNECT_SECONDS, **request):
        """Return (JSON of the answer, its headers); raise one of the errors above."""
        self.refuse_while_down(seconds)
        with self.health_noted():
            status, headers, body = self.exchange(
                method, url, seconds, connect_seconds, request
            )
        if status >= 400:
            log.warning("The upstream %s answered %d", self.name, status)
            raise BadGateway
        try:
            return json.loads(body), headers
        except (ValueError, RecursionError) as error:
            log.warning("The upstream %s answered what is no JSON", self.name)
            raise BadGateway from error

    def exchange(self, method, url, seconds, connect_seconds, request):
        """Return status, headers and body of one exchange over HTTP."""
        deadline = time.monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=min(connect_seconds, seconds))
        body = bytearray()
        # httpx knows a time for each step; this is the time for all of them.
        with _client().stream(method, url, timeout=timeout, **request) as answer:
            for piece in answer.iter_bytes():
                body += piece
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole took too long")
                if len(body) > LARGEST_ANSWER:
                    raise httpx.ReadError("the answer is too long")
        if answer.status_code == 429 or answer.status_code >= 500:
            self.note_failure()
        else:
            self.note_success()
        return answer.status_code, answer.headers, bytes(body)

    @contextmanager
    def health_noted(self):
        try:
            yield
        except httpx.TimeoutException as error:
            self.note_failure()
            log.warning("The upstream %s did not answer in time", self.name)
            raise GatewayTimeout from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            self.note_failure()
            log.warning("The upstream %s failed: %s", self.name, type(error).__name__)
            raise BadGateway from error

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
