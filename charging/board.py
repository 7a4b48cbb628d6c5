"""What happens to a day: told to the boards that show it, and to kept answers.

The state of a day has a version in Valkey. It changes after a commit and before the
answer to whoever wrote, so what was read under a version that still stands is up to
date. It is a random text, not a count: a Valkey that lost its memory must not come back
to an old one.
"""

import logging
import secrets

import redis
from django.db import transaction

from charging import hours, listings
from config.realtime import packed
from config.valkey import ask

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
    event = packed(group(BAYS), "bays.changed")
    transaction.on_commit(lambda: renew_versions([BAYS], [event]))


def _tell(what, reservations):
    rows = [listings.row_of(reservation) for reservation in reservations]
    events = [as_event(what, row) for row in rows]
    days = sorted({hours.today(row["starts_at"]) for row in rows})
    transaction.on_commit(lambda: renew_versions(days, events))


def as_event(what, row):
    """Return what a day's group is told of a row of listings.COLUMNS."""
    shown = listings.as_json(row)
    return packed(
        group(shown["date"]),
        "day.changed",
        what=what,
        reservation=shown,
        owner=str(row["owner_id"] or ""),
    )


def renew_versions(days, events=()):
    """Give days a new version: every answer kept for them is worth nothing now.

    Then the events go out: whoever reads because of one finds the new state.
    """
    try:
        ask(
            *(
                ("SET", version_key(day), secrets.token_hex(8), "EX", VERSION_SECONDS)
                for day in days
            ),
            *(("PUBLISH", channel, event) for channel, event in events),
        )
    except redis.RedisError as error:
        # Without Valkey no kept answer is given out either, and none outlives this.
        log.error("Nobody could be told of a change: %s", error)
