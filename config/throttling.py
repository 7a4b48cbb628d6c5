"""Named rates: requests and frames draw from the same bucket, in every process.

A rate remembers in Valkey the moments of its last `limit` grants and grants another
when the oldest of them is older than the window: never more than `limit` in any
stretch of `seconds`, also not across the edge of two windows. While Valkey is away
everything passes: a rate protects, it must not be what breaks.
"""

import hashlib
import logging
from dataclasses import dataclass

import redis
from django.conf import settings
from rest_framework.throttling import BaseThrottle

from config import errors  # the module: it may still be loading, and load this one
from config.valkey import ask

log = logging.getLogger(__name__)

# Answers the milliseconds to wait, 0 when granted. The moments are Valkey's own, so
# that the clocks of several machines need not agree.
SCRIPT = """
local limit, window, takes = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('LLEN', KEYS[1]) >= limit then
  local wait = tonumber(redis.call('LINDEX', KEYS[1], limit - 1)) + window - now
  if wait > 0 then
    return wait
  end
end
if takes then
  redis.call('LPUSH', KEYS[1], string.format('%d', now))
  redis.call('LTRIM', KEYS[1], 0, limit - 1)
  redis.call('PEXPIRE', KEYS[1], window)
end
return 0
"""
# The name that Valkey gives it.
DIGEST = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Rate:
    """At most `limit` grants in any `seconds`, counted for each key on its own.

    Calls wait for Valkey: inside the event loop, `await in_thread(rate.take, key)`.
    """

    name: str
    limit: int
    seconds: float

    def take(self, key):
        """Use up one grant; raise TooMany when there is none."""
        self._ask(key, takes=True)

    def check(self, key):
        """Raise TooMany when take() would, but use nothing up."""
        self._ask(key, takes=False)

    def arguments(self, key, *, takes=True):
        """Return the keys and values to call SCRIPT with by another client."""
        window = int(self.seconds * 1000)
        name = f"madang:rate:{self.name}:{key}"
        return [name], [self.limit, window, int(takes)]

    def _ask(self, key, *, takes):
        try:
            wait = _run(*self.arguments(key, takes=takes))
        except redis.RedisError as error:
            _outage.begins(error)
            return
        _outage.ends()
        if wait:
            raise errors.TooMany(retry_after=wait / 1000)


class Outage:
    """Says once that Valkey is away, and once that it is back."""

    lasts = False

    def begins(self, error):
        if not self.lasts:
            log.error("Rates cannot be kept, everything passes: %s", error)
        self.lasts = True

    def ends(self):
        if self.lasts:
            log.info("Rates are kept again")
        self.lasts = False


_outage = Outage()


def _run(names, values):
    try:
        (wait,) = ask(("EVALSHA", DIGEST, len(names), *names, *values))
    except redis.exceptions.NoScriptError:  # a Valkey that has just started
        (wait,) = ask(("EVAL", SCRIPT, len(names), *names, *values))
    return wait


class UserRate(BaseThrottle):
    """API_RATE_PER_MINUTE requests for each signed-in user, for the REST framework."""

    def allow_request(self, request, view):
        if request.user.is_authenticated:
            Rate("requests", settings.API_RATE_PER_MINUTE, 60).take(request.user.pk)
        return True
