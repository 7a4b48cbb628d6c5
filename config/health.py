"""Is the process up, and is everything behind it there."""

import logging

from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import JsonResponse
from django.views.decorators.cache import never_cache

log = logging.getLogger(__name__)

WORKER_KEY = "worker-lives"
WORKER_SECONDS = 15  # a worker sends a heartbeat every 2 s


def worker_lives():
    """Note that a worker is alive; called at each of its heartbeats."""
    cache.set(WORKER_KEY, current_app.main, WORKER_SECONDS)


@never_cache
def health(request):
    """Answer 200 as long as this process is up, and what it lacks."""
    return JsonResponse(state())


def state():
    """Return {"status": "healthy"}, or "degraded" and which of the parts is there."""
    parts = {"database": works("database"), "cache": works("valkey")}
    if all(parts.values()):
        return {"status": "healthy"}
    return {"status": "degraded", **parts}


@never_cache
def ready(request):
    """Answer 200 when PostgreSQL, Valkey, the migrations and a worker are there."""
    parts = {name: works(name) for name in CHECKS}
    complete = all(parts.values())
    body = {"status": "ready" if complete else "not ready", **parts}
    return JsonResponse(body, status=200 if complete else 503)


def works(name):
    """Tell whether the part of that name, one of CHECKS, does its work."""
    try:
        return bool(CHECKS[name]())
    except Exception as error:
        log.debug("%s does not work: %s", name, error)
        return False


def _database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def _valkey():
    cache.set("ready", 1, 5)
    return cache.get("ready") == 1


def _migrations():
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _worker():
    return cache.get(WORKER_KEY) is not None


CHECKS = {
    "database": _database,
    "valkey": _valkey,
    "migrations": _migrations,
    "worker": _worker,
}
