"""What happens to a day: told to the boards that show it, and to kept answers.

The state of a day has a version in Valkey. It changes after a commit and before the
answer to whoever wrote, so what was read under a version that still stands is up to
date. It is a random text, not a count: a Valkey that lost its memory must not come back
to an old one.
"""

import logging
import secrets
from functools import cache

import redis
from django.conf import settings
from django.db import transaction

from charging import hours, listings
from config.realtime import publish

log = logging.getLogger(__name__)

BAYS = "bays"  # stands for every day: names, new bays, outages
VERSION_SECONDS = 3 * 86_400


def group(date):
    """Return the group that hears what happens on a local day."""
    return f"charging.day.{date}"


def version_key(date):
    """Return where Valkey keeps the version of a local day, or of BAYS."""
    return f"madang:charging:{date}"


def taken(reservations):
    """Tell of new reservations, once the present transaction commits."""
    _tell("taken", reservations)


def freed(reservations):
    """Tell of cancelled reservations, once the present transaction commits."""
    _tell("freed", reservations)


def changed(reservations):
    """Tell of reservations that somebody checked in to or overstays."""
    _tell("changed", reservations)


def bays_changed():
    """Tell every board to read its day anew, once the present transaction commits."""
    _renew([BAYS])
    publish(group(BAYS), "bays.changed")


def _tell(what, reservations):
    # The version first: whoever reads after the event must find the new state.
    _renew(sorted({hours.today(r.starts_at).isoformat() for r in reservations}))
    for reservation in reservations:
        row = listings.row_of(reservation)
        shown = listings.as_json(row)
        publish(
            group(shown["date"]),
            "day.changed",
            what=what,
            reservation=shown,
            owner=str(row["owner_id"] or ""),
        )


def _renew(days):
    transaction.on_commit(lambda: renew_versions(days))


def renew_versions(days):
    """Give days a new version: every answer kept for them is worth nothing now."""
    try:
        pipeline = _valkey().pipeline(transaction=False)
        for day in days:
            pipeline.set(version_key(day), secrets.token_hex(8), ex=VERSION_SECONDS)
        pipeline.execute()
    except redis.RedisError as error:
        # Without Valkey no kept answer is given out either, and none outlives this.
        log.error("The version of a day could not be renewed: %s", error)


@cache
def _valkey():
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
    )
