"""Workers for the tests of transfers: in a thread, or as a process to be killed."""

import os
import subprocess
import sys
import threading
import time

import pytest
from django.db import connection, connections

from sshops import tasks, transfer_runs
from sshops.models import TransferRun
from tests.serving import PROJECT


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def parts(folder):
    return [p for p in folder.iterdir() if p.name.endswith(".part")]


def under_way(folder, size=1):
    return wait_until(lambda: [p for p in parts(folder) if p.stat().st_size >= size])


@pytest.fixture
def working():
    """Return a function that works on a run in a thread."""
    threads = []

    def work(run):
        def target():
            try:
                transfer_runs.run(run.pk)
            finally:
                connections.close_all()

        threads.append(threading.Thread(target=target))
        threads[-1].start()
        return threads[-1]

    yield work
    for thread in threads:
        thread.join(30)


@pytest.fixture
def worker(settings):
    """Return a function that works on a run in a process, which can be killed."""
    database = settings.DATABASES["default"]
    url = (
        f"postgresql://{database['USER']}@/{database['HOST']}"
        f"/{connection.settings_dict['NAME']}"
    )
    processes = []

    def start(run):
        code = (
            "import django; django.setup();"
            f"from sshops import transfer_runs; transfer_runs.run('{run.pk}')"
        )
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=PROJECT,
                env={
                    **os.environ,
                    "DATABASE_URL": url,
                    "REDIS_URL": settings.REDIS_URL,
                },
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait(10)


@pytest.fixture
def nudged(monkeypatch, working):
    """Work at once on each run that a worker is told of."""
    monkeypatch.setattr(
        tasks, "nudge", lambda id: working(TransferRun.objects.get(pk=id))
    )
