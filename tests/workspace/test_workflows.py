"""Runs of workflows: steps, tries, and what a restart or an outage leaves to do."""

import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.utils import timezone

from config import outages
from config import valkey as ours
from tests import cluster
from tests.clients import wait_until
from workspace import outbox, tasks, workflows
from workspace.models import WorkflowRun

# A server of its own is started, which takes long on a busy machine.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(workflows, "PAUSES", (0, 0))


@pytest.fixture
def defined(monkeypatch):
    """Define a workflow of these steps for a test; return a run of it."""

    def define(*steps, **options):
        monkeypatch.setitem(workflows.WORKFLOWS, "tried", None)
        workflows.define("tried", "Tried", steps, **options)
        return WorkflowRun.objects.create(name="tried")

    return define


def test_steps_follow_each_other_and_the_last_one_gives_the_result(defined):
    def first(run, progress):
        return 2

    def second(run, progress):
        return run.result_of("first") * 21

    run = defined(first, second)

    workflows.execute(run.pk)

    run.refresh_from_db()
    assert run.status == "succeeded"
    assert run.result == 42
    assert run.error == ""
    assert run.started_at <= run.finished_at <= timezone.now()
    assert [(s["name"], s["status"], s["attempts"]) for s in run.steps] == [
        ("first", "succeeded", 1),
        ("second", "succeeded", 1),
    ]


def test_a_step_is_tried_again(defined):
    tries = []

    def stumbles(run, progress):
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")
        return "there"

    run = defined(stumbles)

    workflows.execute(run.pk)

    run.refresh_from_db()
    assert run.result == "there"
    assert run.step("stumbles")["attempts"] == 3


@pytest.mark.parametrize(("error", "tries"), [(OSError("x"), 3), (ValueError("x"), 1)])
def test_what_goes_wrong_for_good_fails_the_run(defined, error, tries):
    told = []

    def breaks(run, progress):
        raise error

    run = defined(breaks, failed=lambda run, error: told.append(error))

    workflows.execute(run.pk)

    run.refresh_from_db()
    assert run.status == "failed"
    assert run.error == f"{type(error).__name__}: x"
    assert run.step("breaks")["attempts"] == tries
    assert run.finished_at is not None
    assert told == [error]


def test_a_run_that_ended_is_not_done_again(defined):
    done = []
    run = defined(lambda run, progress: done.append(1))

    workflows.execute(run.pk)
    workflows.execute(run.pk)

    assert done == [1]


def test_two_workers_do_not_work_on_one_run(defined):
    done = []

    def busy(run, progress):
        workflows.execute(run.pk)  # the message came twice
        done.append(1)

    run = defined(busy)

    workflows.execute(run.pk)

    assert done == [1]


def test_a_step_that_is_done_is_not_done_again(defined):
    done = []

    def first(run, progress):
        done.append("first")

    def second(run, progress):
        done.append("second")
        if done.count("second") == 1:
            raise KeyboardInterrupt  # the worker is stopped here
        return "whole"

    run = defined(first, second)
    with pytest.raises(KeyboardInterrupt):
        workflows.execute(run.pk)
    assert workflows.abandoned() == [run.pk]

    workflows.execute(run.pk)

    run.refresh_from_db()
    assert run.result == "whole"
    assert done == ["first", "second", "second"]
    assert workflows.abandoned() == []


def test_what_an_outage_stops_goes_on_afterwards(defined, monkeypatch):
    done = []

    def dumps(run, progress):
        done.append(1)
        if len(done) < 4:
            monkeypatch.setattr(outages.watch, "cause", OSError("away"))
            raise OSError("no connection")
        return "there"

    run = defined(dumps)
    workflows.execute(run.pk)
    monkeypatch.setattr(outages.watch, "cause", None)
    assert workflows.abandoned() == [run.pk]

    workflows.execute(run.pk)

    run.refresh_from_db()
    assert (run.status, run.result) == ("succeeded", "there")


def test_one_run_of_a_workflow_at_a_time():
    nudged = []

    one = workflows.start("sweep", nudge=nudged.append, asked_by="kim@example.com")
    other = workflows.start("sweep", nudge=nudged.append)

    assert one == other
    assert nudged == [one.pk]


def test_the_beat_goes_on_with_what_is_abandoned(monkeypatch):
    nudged = []
    monkeypatch.setattr(tasks, "nudge", nudged.append)
    run = WorkflowRun.objects.create(name="sweep", status="running")
    with workflows.lease(run.pk):
        tasks.tend_workflows()
        assert nudged == []

    tasks.tend_workflows()

    assert nudged == [run.pk]


def test_progress_is_seen_while_a_run_goes_on(defined):
    seen = []

    def slow(run, progress):
        progress(1, 4, "a quarter")
        seen.append(workflows.progress_of(run))

    run = defined(slow)

    workflows.execute(run.pk)

    run.refresh_from_db()
    assert seen == [{"step": "slow", "share": 0.25, "text": "a quarter"}]
    assert workflows.progress_of(run) is None


# In an outage, with a database that is really away

WORKER = """
import sys, time
from pathlib import Path
import django; django.setup()
from workspace import workflows

def works(run, progress):
    with open(sys.argv[2], "a") as log:
        log.write("done\\n")
    while not Path(sys.argv[2] + ".go").exists():
        time.sleep(0.02)
    return {"answer": 42}

def waits(run, progress):
    while Path(sys.argv[2] + ".go").exists():
        time.sleep(0.02)

workflows.define("tried", "Tried", [works, waits])
workflows.execute(sys.argv[1])
"""


FLUSH = """
import django; django.setup()
from workspace import outbox
outbox.flush()
"""


@pytest.fixture
def worker(postgres, environ, tmp_path):
    """Return a function that works on a run in a process of its own."""
    processes = []

    def start(run_id):
        words = [sys.executable, "-c", WORKER, run_id, str(tmp_path / "log")]
        process = subprocess.Popen(words, cwd=settings.BASE_DIR, env=environ)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def run_id(postgres):
    """A queued run in the other database."""
    ((id,),) = postgres.query(
        "INSERT INTO workspace_workflowrun (id, name, asked_by, queued_at, status, "
        "steps, error, version) VALUES (gen_random_uuid(), 'tried', '', now(), "
        "'queued', '[]', '', 0) RETURNING id::text"
    )
    return id


def row(postgres, run_id):
    ((status, steps),) = postgres.query(
        "SELECT status, steps FROM workspace_workflowrun WHERE id = %s", run_id
    )
    return status, [step["status"] for step in steps]


def test_a_result_survives_outage_and_kill_and_is_not_made_again(
    postgres, environ, valkey, worker, run_id, tmp_path
):
    log, go = tmp_path / "log", tmp_path / "log.go"
    spool = postgres.where.data / "outbox"
    first = worker(run_id)
    wait_until(log.exists)
    postgres.stop()
    go.touch()  # the first step ends while the database is away
    wait_until(lambda: list(spool.glob("*.json")))
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert list(spool.glob("*.json"))
    go.unlink()
    postgres.start()
    valkey.delete(f"madang:workflow:{run_id}")  # the lease lapsed

    second = worker(run_id)
    assert second.wait(60) == 0

    assert row(postgres, run_id) == ("succeeded", ["succeeded", "succeeded"])
    assert log.read_text() == "done\n"
    assert not list(spool.glob("*"))


def test_the_beat_stores_what_waits(
    postgres, environ, valkey, worker, run_id, tmp_path
):
    log, go = tmp_path / "log", tmp_path / "log.go"
    process = worker(run_id)
    wait_until(log.exists)
    postgres.stop()
    go.touch()
    spool = postgres.where.data / "outbox"
    wait_until(lambda: list(spool.glob("*.json")))
    go.unlink()
    assert process.wait(60) == 0  # to its end, without the database
    postgres.start()

    words = [sys.executable, "-c", FLUSH]
    for _twice in range(2):
        subprocess.run(words, cwd=settings.BASE_DIR, env=environ, check=True)

    assert row(postgres, run_id) == ("succeeded", ["succeeded", "succeeded"])
    assert log.read_text() == "done\n"


# The outbox alone


def test_an_older_row_never_replaces_a_newer_one():
    run = WorkflowRun(name="sweep")
    outbox.append(run)
    run.version, run.status = 1, "running"
    outbox.append(run)
    run.status = "succeeded"
    assert outbox.store(run)

    assert outbox.flush() == 2

    run.refresh_from_db()
    assert (run.version, run.status) == (2, "succeeded")
    assert outbox.size() == 0


def test_rows_are_stored_in_any_order():
    run = WorkflowRun(name="sweep", version=2, status="failed")
    outbox.append(run)
    run.version, run.status = 1, "running"
    outbox.append(run)

    outbox.flush()

    assert WorkflowRun.objects.get().status == "failed"


def test_a_row_waits_on_the_disk_of_a_durable_valkey(tmp_path, settings):
    with cluster.durable_valkey(tmp_path) as process:
        settings.REDIS_URL = process.url
        ours.valkey.cache_clear()
        try:
            outbox.append(WorkflowRun(name="sweep", error="waits"))
            assert not list((settings.DATA_DIR / "outbox").glob("*.json"))
            process.kill()
            process.restart()
            assert outbox.flush() == 1
        finally:
            ours.valkey.cache_clear()

    assert WorkflowRun.objects.get().error == "waits"
