"""Which errors mean that the database is away, and what is said of them."""

import logging
import time

import pytest
from django.db import DatabaseError, OperationalError, connection
from psycopg_pool import PoolTimeout

from config import outages

pytestmark = pytest.mark.django_db(transaction=True)


def failure_of(sql):
    with pytest.raises(DatabaseError) as failed, connection.cursor() as cursor:
        cursor.execute(sql)
    return failed.value


@pytest.mark.parametrize(
    "sql",
    [
        "SET statement_timeout = 1; SELECT pg_sleep(1)",
        "SELECT 1 / 0",
        "SELECT * FROM there_is_no_such_table",
        "SET lock_timeout = 'nonsense'",
    ],
)
def test_what_a_statement_does_wrong_is_no_outage(sql):
    assert not outages.noticed(failure_of(sql))

    connection.close()


def test_a_connection_that_was_ended_is_one_and_is_replaced():
    error = failure_of("SELECT pg_terminate_backend(pg_backend_pid())")

    assert outages.noticed(error)

    deadline = time.monotonic() + 10
    while outages.watch.verdict is not None:  # it finds that the database answers
        assert time.monotonic() < deadline
        time.sleep(0.01)
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_no_free_connection_is_one():
    error = OperationalError("busy")
    error.__cause__ = PoolTimeout("busy")

    assert outages.is_outage(error)


@pytest.mark.parametrize("error", [None, ValueError("x"), OperationalError("ours")])
def test_other_errors_are_none(error):
    assert not outages.is_outage(error)


def record(name, error, *args):
    return logging.LogRecord(
        name, logging.ERROR, "", 1, "It failed: %s", args, (type(error), error, None)
    )


def away():
    error = OperationalError("away\nsecond line")
    error.__cause__ = PoolTimeout("away\nsecond line")
    return error


def test_an_outage_fills_no_log_with_tracebacks():
    line = record("django.request", away(), "/path")

    assert outages.WithoutTraceback().filter(line)

    assert line.getMessage() == "It failed: /path (away)"
    assert line.exc_info is None


def test_what_comes_again_is_not_logged_in_an_outage():
    calm = outages.WithoutTraceback()

    assert not calm.filter(record("celery.app.trace", away(), "task"))
    assert not calm.filter(record("django_celery_beat.schedulers", None, away()))
    assert calm.filter(record("celery.app.trace", ValueError("x"), "task"))


def test_other_tracebacks_are_kept():
    line = record("django.request", ValueError("x"), "/path")

    assert outages.WithoutTraceback().filter(line)

    assert line.exc_info
