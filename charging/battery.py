"""The charging car's battery, as its own recorder keeps it in a Firebase database."""

from contextlib import suppress

from django.conf import settings
from django.core.cache import cache
from redis import RedisError

from charging.moments import as_iso, moment_of
from charging.recognition import number_or_none
from charging.upstream import Upstream
from config.errors import Unavailable

SECONDS, CONNECT_SECONDS = 8, 4
FRESH_SECONDS = 1  # a crowd of browsers costs the database one request a second
KEY = "charging:battery"

database = Upstream("battery", at_once=1, rest_seconds=5, patience=SECONDS / 2)


class NotConfigured(Unavailable):
    """No battery is connected: BATTERY_DATABASE_URL is not set."""

    code = "not_configured"


def battery_now():
    """Return percent, voltage and timestamp, each None when unknown."""
    if not settings.BATTERY_DATABASE_URL:
        raise NotConfigured
    if found := _cached():
        return found
    with database.turn():
        found = _cached()  # by the one before us, while we waited
        if not found:
            found = in_our_words(ask())
            _keep(found)
    return found


def ask():
    base = settings.BATTERY_DATABASE_URL.rstrip("/")
    path = settings.BATTERY_DATABASE_PATH.lstrip("/")
    auth = settings.BATTERY_DATABASE_AUTH
    answer, _headers = database.ask(
        "GET",
        f"{base}/{path}.json",
        seconds=SECONDS,
        connect_seconds=CONNECT_SECONDS,
        params={"auth": auth} if auth else None,
        headers={"Accept": "application/json"},
    )
    return answer


def in_our_words(record):
    """Return what a record says in the form of our answer."""
    if not isinstance(record, dict):
        record = {}
    try:
        timestamp = as_iso(moment_of(record.get("timestamp")))
    except ValueError:
        timestamp = None
    return {
        "percent": number_or_none(record.get("percent")),
        "voltage": number_or_none(record.get("voltage")),
        "timestamp": timestamp,
    }


def _cached():
    try:
        return cache.get(KEY)
    except RedisError:
        return None


def _keep(found):
    with suppress(RedisError):  # the next one then asks again
        cache.set(KEY, found, FRESH_SECONDS)
