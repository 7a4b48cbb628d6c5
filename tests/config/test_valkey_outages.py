"""Valkey is frozen, killed and started again under a real server."""

import signal

import httpx
import pytest

from tests import cluster, serving
from tests.clients import header
from tests.roadblock.chased import chase, police, runner, town

__all__ = ["chase", "police", "runner", "town"]

PASSWORD = "a long enough password"
READ = (
    "/roadblock/api/vehicles",
    "/charging/api/sessions",
    "/charging/api/reservations/by-session?date=2031-01-01",
    "/workspace/users/me",
    "/sshops/servers",
    "/sshops/transfers",
)

# Servers of its own are started, which takes long on a busy machine.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def valkey(tmp_path, monkeypatch, environment):
    own = tmp_path / "own"
    own.mkdir()
    with cluster.durable_valkey(own) as process:
        monkeypatch.setenv("REDIS_URL", process.url)
        yield process


@pytest.fixture
def server(valkey):
    with serving.as_process("config.asgi:application") as process:
        yield process


@pytest.fixture
def signed_in(server, boss):
    boss.set_password(PASSWORD)
    boss.save()
    return header(server, boss.email, PASSWORD)


def test_what_needs_no_valkey_goes_on(server, signed_in, valkey):
    def read():
        return {
            path: httpx.get(server.url + path, headers=signed_in, timeout=30)
            for path in READ
        }

    before = read()
    valkey.process.send_signal(signal.SIGSTOP)
    frozen = read()
    valkey.process.send_signal(signal.SIGCONT)
    valkey.kill()
    dead = read()

    for answers in (before, frozen, dead):
        statuses = {path: one.status_code for path, one in answers.items()}
        assert statuses == dict.fromkeys(READ, 200)
        assert [one.json() for one in answers.values()] == [
            one.json() for one in before.values()
        ]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_what_needs_it_is_refused_calmly(server, signed_in, valkey, chase, accept):
    valkey.kill()

    answer = httpx.post(
        f"{server.url}/roadblock/chases/{chase.pk}/plan",
        headers={**signed_in, "Accept": accept},
        timeout=30,
    )

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    if accept == "text/html":
        assert "A part of the system is away" in answer.text
    else:
        assert answer.json()["code"] == "unavailable"
