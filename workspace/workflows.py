"""Workflows: named work of several steps that survives a restart and an outage.

A run is a row. Whoever works on it holds a lease in Valkey, which lapses soon after
its holder has died; the beat nudges runs that are open and held by nobody. A step that
is done is done: its result is stored, or kept in the outbox, and never made again. A
step that was interrupted begins anew, so each must bear that.
"""

import logging
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import psycopg
import redis
from django.core.cache import cache
from django.db import OperationalError, connection, models, transaction
from django.utils import timezone

from config import outages
from config.valkey import valkey
from workspace import outbox
from workspace.models import WorkflowRun

log = logging.getLogger(__name__)

LEASE_SECONDS = 45
RENEWAL_SECONDS = 15
PAUSES = (1, 5, 20)  # seconds before a step is tried again
WORTH_RETRYING = (
    OSError,
    OperationalError,
    psycopg.OperationalError,
    redis.RedisError,
)
PROGRESS_SECONDS = 0.5
KEEP = timedelta(days=90)

Status = WorkflowRun.Status
OPEN = [Status.QUEUED, Status.RUNNING]


@dataclass(frozen=True)
class Workflow:
    """A workflow; a step is a function: `step(run, progress)` returns its result."""

    name: str
    title: str
    steps: tuple
    retried: tuple
    failed: object


WORKFLOWS = {}


def define(name, title, steps, *, retried=(), failed=None):
    """Make a workflow known; its result is that of its last step.

    `steps` are functions, called by their names; `retried` names exceptions for which
    a step is tried again; `failed(run, error)` is called after the last one.
    """
    retried = (*WORTH_RETRYING, *retried)
    WORKFLOWS[name] = Workflow(name, title, tuple(steps), retried, failed)


def title_of(name):
    """Return what people call a workflow; its name when there is none any more."""
    return WORKFLOWS[name].title if name in WORKFLOWS else name


def steps_of(name):
    return WORKFLOWS[name].steps if name in WORKFLOWS else ()


def start(name, *, nudge, asked_by=""):
    """Queue a run and return it; one that is open already is returned instead.

    `nudge(id)` has somebody work on it, once the present transaction commits.
    """
    with transaction.atomic():
        # Two who start it at the same moment get the same run.
        _lock(name)
        run = WorkflowRun.objects.filter(name=name, status__in=OPEN).first()
        if run is None:
            run = WorkflowRun.objects.create(name=name, asked_by=asked_by)
            transaction.on_commit(partial(nudge, run.pk))
    return run


def _lock(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])


def abandoned():
    """Return the ids of open runs that nobody works on."""
    ids = WorkflowRun.objects.filter(status__in=OPEN).values_list("pk", flat=True)
    return [id for id in ids if not valkey().exists(_lease_key(id))]


def execute(id):
    """Do what is left of a run, unless somebody does, or it has ended."""
    with lease(id) as is_ours:
        if not is_ours:
            return
        outbox.flush()  # what a step before a restart gave may wait there
        run = WorkflowRun.objects.filter(pk=id).first()
        if run is None or run.has_ended:
            return
        run.status = Status.RUNNING
        run.started_at = run.started_at or timezone.now()
        outbox.store(run)
        workflow = WORKFLOWS[run.name]
        try:
            for step in workflow.steps:
                run.result = _done(run, step, workflow.retried)
            run.status = Status.SUCCEEDED
        except Exception as error:
            if outages.watch.cause is not None:
                log.warning("%s goes on when the database is back: %s", run, error)
                return
            log.exception("The workflow %s failed", run)
            run.steps[-1] |= {"status": Status.FAILED, "error": str(error)}
            run.status, run.result = Status.FAILED, None
            run.error = f"{type(error).__name__}: {error}"
            if workflow.failed:
                workflow.failed(run, error)
        run.finished_at = timezone.now()
        outbox.store(run)
        with suppress(redis.RedisError):
            cache.delete(_progress_key(id))


def _done(run, step, retried):
    """Return the result of a step, done now or before."""
    record = run.step(step.__name__)
    if record is None:
        record = {"name": step.__name__, "status": Status.RUNNING, "attempts": 0}
        run.steps.append(record)
    elif record["status"] == Status.SUCCEEDED:
        return record["result"]
    record["started_at"] = timezone.now().isoformat()
    for pause in (*PAUSES, None):
        record["attempts"] += 1
        outbox.store(run)
        try:
            result = step(run, Progress(run, step.__name__))
        except retried as error:
            record["error"] = str(error)
            if pause is None:
                raise
            log.warning("%s of %s is tried again: %s", step.__name__, run, error)
            time.sleep(pause)
        else:
            break
    record |= {
        "status": Status.SUCCEEDED,
        "finished_at": timezone.now().isoformat(),
        "result": result,
    }
    outbox.store(run)
    return result


def interrupt(reason):
    """End all open runs as failed: what they worked on is no more."""
    WorkflowRun.objects.filter(status__in=OPEN).update(
        status=Status.FAILED,
        error=reason,
        finished_at=timezone.now(),
        version=models.F("version") + 1,
    )


def sweep():
    """Forget runs that ended long ago; count them."""
    old = WorkflowRun.objects.exclude(status__in=OPEN)
    return old.filter(queued_at__lt=timezone.now() - KEEP).delete()[0]


# Progress


class Progress:
    """Tells watchers how far a step is: `progress(done, total, text)`."""

    def __init__(self, run, step):
        self.run, self.step = run, step
        self.told = 0.0

    def __call__(self, done, total, text=""):
        now = time.monotonic()
        if now - self.told < PROGRESS_SECONDS and done < total:
            return
        self.told = now
        share = min(done / total, 1.0) if total else 0.0
        value = {"step": self.step, "share": share, "text": text}
        with suppress(redis.RedisError):
            cache.set(_progress_key(self.run.pk), value, 3600)


def progress_of(run):
    """Return {"step", "share", "text"} of a run that is under way, or None."""
    if run.status != Status.RUNNING:
        return None
    return cache.get(_progress_key(run.pk))


def _progress_key(id):
    return f"workflow-progress:{id}"


# The lease

# Unless it lapsed, while we were held up, and somebody else has it by now.
RENEW = """
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
"""


@contextmanager
def lease(id):
    """Yield whether the run is ours now; while it is, nobody else works on it."""
    key, holder = _lease_key(id), secrets.token_hex(8)
    if not valkey().set(key, holder, nx=True, ex=LEASE_SECONDS):
        yield False
        return
    over = threading.Event()

    def renew():
        while not over.wait(RENEWAL_SECONDS):
            with suppress(redis.RedisError):
                valkey().eval(RENEW, 1, key, holder, LEASE_SECONDS)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield True
    finally:
        over.set()
        thread.join()
        with suppress(redis.RedisError):
            valkey().eval(RELEASE, 1, key, holder)


def _lease_key(id):
    return f"madang:workflow:{id}"
