"""Health: what a check sees, the counters of the contract, who hears of a change."""

import asyncio
import contextlib
import socket
import threading
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from sshops import health
from sshops.models import HealthCheck, HealthRound, Server, ServerHealth
from sshops.probes import Probe
from sshops.sshd import free_port
from tests import factories
from tests.sshops.stub import PATH, Client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def greeter():
    """Return a function that listens, and greets with some bytes; it returns a port."""
    with contextlib.ExitStack() as stack:

        def make(greeting):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def greet():
                with contextlib.suppress(OSError):
                    while True:
                        client = stack.enter_context(server.accept()[0])
                        client.sendall(greeting)

            threading.Thread(target=greet, daemon=True).start()
            return server.getsockname()[1]

        yield make


def looked_at(**fields):
    server = factories.server(**fields)
    health.check([server.pk])
    return ServerHealth.objects.get(server=server)


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-x\r\n", b"SSH-", b"Welcome!\r\nNo entry.\r\nSSH-2.0-x\r\n"]
)
def test_a_server_that_greets_is_healthy(greeter, greeting):
    row = looked_at(port=greeter(greeting))

    assert (row.is_healthy, row.consecutive_successes, row.consecutive_failures) == (
        *(True, 1),
        0,
    )
    assert row.latency_ms > 0
    check = HealthCheck.objects.get()
    assert (check.latency_ms, check.error_code) == (row.latency_ms, None)


def test_a_server_by_name_is_looked_up(greeter):
    assert looked_at(host="localhost", port=greeter(b"SSH-2.0-x\r\n")).is_healthy


def test_what_greets_otherwise_is_no_ssh_server(greeter):
    assert looked_at(port=greeter(b"HTTP/1.1 400\r\n" * 1000)).error_code == 20000


def test_nobody_listens():
    assert looked_at(port=free_port()).error_code == 20002


def test_a_host_without_an_address():
    assert looked_at(host="no-such-host.invalid").error_code == 20000


def test_a_server_that_hangs_costs_the_limit(silent_port, settings):
    settings.SSHOPS_HEALTH_TIMEOUT = 0.3

    assert looked_at(port=silent_port).error_code == 20001


def test_a_server_behind_another_is_looked_at_by_logging_in(sshd, other_sshd):
    jump = factories.server(sshd)

    assert looked_at(sshd=other_sshd, jump=jump).is_healthy
    assert looked_at(sshd=sshd, jump=jump, host_key="").error_code == 21003


def test_checks_may_log_in_everywhere(sshd, settings):
    settings.SSHOPS_HEALTH_LOGIN = True

    assert looked_at(sshd=sshd).is_healthy
    assert looked_at(sshd=sshd, private_key=None).error_code == 21000


def test_the_counters_of_the_contract():
    row = ServerHealth()

    def after(error_code):
        told = health.apply(row, Probe(1, (), error_code=error_code))
        return (
            row.is_healthy,
            row.consecutive_failures,
            row.consecutive_successes,
            told,
        )

    assert after(20001) == (False, 1, 0, False)
    assert after(None) == (True, 0, 1, True)
    assert after(None) == (True, 0, 2, False)
    assert after(20001) == (True, 1, 0, False)
    assert after(None) == (True, 0, 1, False)
    assert after(20001) == (True, 1, 0, False)
    assert after(20002) == (False, 2, 0, True)
    assert after(20002) == (False, 3, 0, False)
    assert after(None) == (True, 0, 1, True)


def test_a_round_comes_after_the_interval_and_once(greeter, settings):
    factories.server(port=greeter(b"SSH-2.0-x\r\n"))
    factories.server(is_active=False)

    assert health.check_all() is True
    assert health.check_all() is False
    assert HealthCheck.objects.count() == 1

    HealthRound.objects.update(finished_at=timezone.now() - timedelta(seconds=31))
    assert health.check_all() is True
    assert ServerHealth.objects.get().consecutive_successes == 2


def test_a_round_that_was_killed_is_run_again(greeter):
    factories.server(port=greeter(b"SSH-2.0-x\r\n"))
    HealthRound.objects.create(started_at=timezone.now())
    assert health.check_all() is False

    HealthRound.objects.update(started_at=timezone.now() - health.LONGEST_ROUND)

    assert health.check_all() is True


def test_a_server_that_moved_meanwhile_is_left_alone():
    server = factories.server(port=1)

    health.note([Probe(server.pk, (server.host, 2))])

    assert not ServerHealth.objects.exists()


def test_old_checks_are_forgotten(settings):
    server = factories.server()
    for hours in (1, settings.SSHOPS_HEALTH_KEEP_HOURS + 1):
        HealthCheck.objects.create(
            server=server, checked_at=timezone.now() - timedelta(hours=hours)
        )

    health.sweep()

    assert HealthCheck.objects.count() == 1


def test_a_green_that_nobody_has_checked_is_taken_back():
    server = factories.server()
    old = timezone.now() - timedelta(minutes=5)
    ServerHealth.objects.create(server=server, is_healthy=True, last_checked=old)
    assert health.by_name(Server.objects.all())[server.name]["is_healthy"] is False

    health.take_back_stale()

    assert ServerHealth.objects.get().is_healthy is False
    assert health.are_checks_running() is False


def test_hundreds_are_checked_at_once(greeter, silent_port, settings):
    settings.SSHOPS_HEALTH_TIMEOUT = 2
    ports = [greeter(b"SSH-2.0-x\r\n"), silent_port, free_port()]
    for number in range(120):
        factories.server(port=ports[number % 3])
    begun = timezone.now()

    health.check_all()

    assert ServerHealth.objects.filter(is_healthy=True).count() == 40
    assert ServerHealth.objects.count() == 120
    assert (timezone.now() - begun).total_seconds() < 10


async def test_everybody_hears_of_a_change_at_once(socket, operator, outsider, greeter):
    port = greeter(b"SSH-2.0-x\r\n")
    server = await sync_to_async(factories.server)(name="db1", port=port)
    hidden = await sync_to_async(factories.server)(name="db2", port=port)
    await hidden.allowed_users.aadd(outsider)
    clients = [Client(socket(PATH, operator)) for _ in range(2)]
    for client in clients:
        welcome = await client.join()
        assert welcome["server_health"] == {
            "db1": {
                "server_name": "db1",
                "host": "127.0.0.1",
                "port": port,
                "is_healthy": False,
                "last_checked": None,
                "consecutive_failures": 0,
                "consecutive_successes": 0,
            }
        }

    await asyncio.to_thread(health.check, [server.pk, hidden.pk])

    for client in clients:
        told = await client.hear("server_health")
        assert (told["server_name"], told["is_healthy"]) == ("db1", True)
        assert told["status"]["consecutive_successes"] == 1
        assert told["status"]["last_checked"].endswith("+09:00")
        await client.hears_nothing()
