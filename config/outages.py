"""While PostgreSQL is away: notice it, refuse calmly, and be back by itself.

Each process has one `watch`. A connection that fails makes it try again after 0.2, 0.4
and 0.8 s; who waits for a connection waits for its verdict. Is the database away, then
every connection is refused at once, so that no request waits in line behind others, and
the watch asks each second whether it is back. A statement is never sent twice.

Requests and frames that need the database meanwhile are told DatabaseUnavailable, by
config.middleware and config.realtime.in_thread. What is answered without it stands in
config/known_users.py and config/copies.py.
"""

import logging
import os
import random
import threading
import time
from contextlib import contextmanager

import psycopg
import redis
from django.db import OperationalError, connection
from psycopg_pool import PoolTimeout

from config import alerts
from config.valkey import valkey

RETRIES = (0.2, 0.4, 0.8)
RETURN_SECONDS = 1
CLOSED_KEY = "madang:database-closed"
CLOSED_SECONDS = 30

# What PostgreSQL says when it stops, crashed, starts, or has no connection left.
AWAY = {"57P01", "57P02", "57P03", "57P05", "53300"}
LOST = "08"  # the class of all that is wrong with a connection

log = logging.getLogger(__name__)


def is_outage(error):
    """Tell whether an error, Django's or psycopg's, means that the database is away."""
    error = cause_of(error)
    if not isinstance(error, psycopg.OperationalError):
        return False
    # A connection that broke has no state to tell; a deadlock or a timeout has one.
    state = error.sqlstate
    return state is None or state.startswith(LOST) or state in AWAY


def cause_of(error):
    """Return psycopg's error behind one of Django's."""
    return error.__cause__ if isinstance(error, OperationalError) else error


def first_line(error):
    return str(error).partition("\n")[0]


def noticed(error):
    """Tell whether an error is an outage's; if it is, the watch looks after it."""
    if not is_outage(error):
        return False
    watch.ask(connection.probe(), cause_of(error))
    return True


# The watch


class Watch:
    """Knows for its process whether the database is away; one thread looks for it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.verdict = None  # an Event, while a thread looks
        self.cause = None  # the error, while the database is away

    def refuse(self):
        """Raise psycopg.OperationalError while the database is away."""
        if cause := self.cause:
            raise psycopg.OperationalError(f"The database is away: {first_line(cause)}")

    def answers(self, probe, cause, seconds):
        """Tell whether the database answers after all; wait so long for the verdict."""
        return self.ask(probe, cause).wait(seconds) and self.cause is None

    def ask(self, probe, cause):
        """Have the thread look, if it does not already; return the verdict's Event."""
        with self.lock:
            if self.verdict is None:
                self.verdict = threading.Event()
                threading.Thread(
                    target=self.look,
                    args=(probe, cause, self.verdict),
                    name="outage",
                    daemon=True,
                ).start()
            return self.verdict

    def look(self, probe, cause, verdict):
        began = time.monotonic()
        # When all connections are merely in use, they need not be replaced.
        are_broken = not isinstance(cause, PoolTimeout)
        for pause in (0, *RETRIES):
            time.sleep(random.uniform(0.75, 1.25) * pause)
            error = self.failure(probe)
            if error is None:
                break
            cause = error
        else:
            self.cause = cause
            verdict.set()
            self.stay_away(probe, began)
            are_broken = True
        if are_broken:
            probe.forget_connections()
        with self.lock:
            self.verdict = self.cause = None
        verdict.set()

    def stay_away(self, probe, began):
        """Return when the database is back; tell of the outage and of its end."""
        probe.forget_connections()  # its waiting clients hear at once, none reconnects
        outage = alerts.Trouble(
            "outage",
            subject="The database is away",
            text=f"PostgreSQL does not answer: {first_line(self.cause)}",
        )
        while self.failure(probe) is not None:
            outage.goes_on()
            time.sleep(RETURN_SECONDS)
        outage.end(
            subject="The database is back",
            text=f"PostgreSQL answers again, after {time.monotonic() - began:.0f} s.",
        )

    @staticmethod
    def failure(probe):
        try:
            probe.look()
        except psycopg.OperationalError as error:
            return error
        return None


watch = Watch()
os.register_at_fork(after_in_child=watch.__init__)  # the thread stays with the parent


# Closed on purpose, for a restore

_may_pass = False


def refuse_while_closed():
    """Raise psycopg.OperationalError while another process keeps everybody out."""
    if _may_pass:
        return
    try:
        is_closed = valkey().exists(CLOSED_KEY)
    except redis.RedisError:
        return  # it cannot be closed either then
    if is_closed:
        raise psycopg.OperationalError("a restore is under way")


@contextmanager
def closed():
    """Keep new connections of all other processes out; yields a function to call often.

    It lapses by itself after CLOSED_SECONDS without a call. Raises redis.RedisError.
    """
    global _may_pass

    def renew():
        valkey().set(CLOSED_KEY, os.getpid(), ex=CLOSED_SECONDS)

    renew()
    _may_pass = True
    try:
        yield renew
    finally:
        _may_pass = False
        valkey().delete(CLOSED_KEY)


# Loggers of work that is done every few seconds.
COMES_AGAIN = {"celery.app.trace", "django_celery_beat.schedulers"}


class WithoutTraceback(logging.Filter):
    """Make one line of an error that an outage explains, and none of a task's: the next
    one comes soon."""

    def filter(self, record):
        error = record.exc_info and record.exc_info[1]
        if record.name in COMES_AGAIN:
            return not any(map(is_outage, (error, *(record.args or ()))))
        if error and is_outage(error):
            record.msg = f"{record.getMessage()} ({first_line(error)})"
            record.args = ()
            record.exc_info = record.exc_text = None
        return True
