"""Opening a connection: what it costs at most, and each way it fails."""

import asyncio
import contextlib
import socket
import subprocess
import threading
import time

import pytest

from sshops import connections, host_keys
from sshops.errors import (
    ConnectionFailed,
    ConnectionTimedOut,
    ConnectionWasRefused,
    KeyProblem,
    LoginRefused,
)
from sshops.models import AuditEntry, Server
from sshops.sshd import free_port
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listener():
    """Return a function that makes a listener which sends a greeting and no more."""
    with contextlib.ExitStack() as stack:

        def make(greeting=b""):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            server.listen(200)

            def greet():
                with contextlib.suppress(OSError):
                    while True:
                        client = stack.enter_context(server.accept()[0])
                        client.sendall(greeting)

            if greeting:
                threading.Thread(target=greet, daemon=True).start()
            return server.getsockname()[1]

        yield make


def test_a_command_runs_on_a_terminal(sshd):
    server = factories.server(sshd)

    with connections.open_connection(server) as connection:
        channel = connection.terminal(cols=91, rows=33, term="vt100")
        channel.exec_command("stty size; echo $TERM")

        assert channel.makefile().read() == b"33 91\r\nvt100\r\n"
        assert channel.recv_exit_status() == 0


def test_a_server_is_reached_by_way_of_another(sshd, other_sshd):
    jump = factories.server(sshd, name="jump")
    server = factories.server(other_sshd, name="behind", jump=jump)

    with connections.open_connection(server) as connection:
        channel = connection.terminal()
        channel.exec_command("echo $SSH_CONNECTION")

        assert channel.makefile().read().split()[-1] == str(other_sshd.port).encode()


def test_a_login_that_is_refused(sshd, other_sshd):
    server = factories.server(sshd, private_key=other_sshd.private_key)

    with pytest.raises(LoginRefused):
        connections.open_connection(server)


def test_a_server_whose_secrets_are_lost(sshd):
    server = factories.server(sshd, private_key=None)

    with pytest.raises(LoginRefused, match="enter one"):
        connections.open_connection(server)


def test_a_private_key_that_cannot_be_read(sshd):
    server = factories.server(sshd, private_key="-----BEGIN NOTHING-----")

    with pytest.raises(KeyProblem):
        connections.open_connection(server)


def test_nobody_listens():
    server = factories.server(port=free_port())

    with pytest.raises(ConnectionWasRefused):
        connections.open_connection(server)


def test_a_host_without_an_address():
    server = factories.server(host="no-such-host.invalid")

    with pytest.raises(ConnectionFailed):
        connections.open_connection(server)


def test_somebody_else_listens(listener):
    server = factories.server(port=listener(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200))

    with pytest.raises(ConnectionFailed):
        connections.open_connection(server)


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-tar_pit\r\n"])
def test_a_silent_server_costs_the_limit_and_no_more(settings, listener, greeting):
    settings.SSHOPS_CONNECT_TIMEOUT = 0.6
    server = factories.server(port=listener(greeting))
    begun = time.monotonic()

    with pytest.raises(ConnectionTimedOut):
        connections.open_connection(server)

    assert 0.5 < time.monotonic() - begun < 1.5


async def test_waiting_for_a_thread_counts(settings, listener, monkeypatch):
    settings.SSHOPS_CONNECT_TIMEOUT = 0.5
    server = await asyncio.to_thread(factories.server, port=listener())
    monkeypatch.setattr(
        connections, "_threads", connections.ThreadPoolExecutor(max_workers=1)
    )
    begun = time.monotonic()

    outcomes = await asyncio.gather(
        *(connections.connect(server) for _ in range(5)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [ConnectionTimedOut] * 5
    assert time.monotonic() - begun < 1.7


async def test_who_stops_waiting_leaves_no_connection(sshd, monkeypatch):
    server = await asyncio.to_thread(factories.server, sshd)
    opened = []
    open_connection = connections.open_connection

    def opening(*args):
        opened.append(open_connection(*args))
        return opened[0]

    monkeypatch.setattr(connections, "open_connection", opening)
    waiting = asyncio.create_task(connections.connect(server))
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting

    deadline = time.monotonic() + 10
    while not opened or opened[0].is_alive:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


# Host keys


def test_a_first_key_waits_for_an_operator(sshd):
    server = factories.server(sshd, host_key="")

    with pytest.raises(KeyProblem, match="an operator must accept it"):
        connections.open_connection(server)

    server.refresh_from_db()
    assert server.host_key == ""
    assert server.offered_host_key == host_keys.parsed(sshd.host_key)
    assert server.offered_at is not None


def test_a_first_key_is_taken_where_settings_say_so(sshd, settings):
    settings.SSHOPS_TRUST_ON_FIRST_USE = True
    server = factories.server(sshd, host_key="")

    connections.open_connection(server).close()

    server.refresh_from_db()
    assert server.host_key == host_keys.parsed(sshd.host_key)


def test_a_changed_key_is_never_taken(sshd, other_sshd, settings, caplog):
    settings.SSHOPS_TRUST_ON_FIRST_USE = True
    server = factories.server(sshd, host_key=other_sshd.host_key)

    with pytest.raises(KeyProblem, match="has changed"):
        connections.open_connection(server)

    server.refresh_from_db()
    assert server.host_key == host_keys.parsed(other_sshd.host_key)
    assert server.offered_host_key == host_keys.parsed(sshd.host_key)
    assert "shows another host key" in caplog.text
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.outcome, entry.error_code) == ("host_key", "error", 21003)


def test_an_accepted_key_opens_the_door(sshd):
    server = factories.server(sshd, host_key="")
    with pytest.raises(KeyProblem):
        connections.open_connection(server)
    server.refresh_from_db()

    host_keys.accept(server, "boss@example.com")

    connections.open_connection(Server.objects.get()).close()


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 ????", "what AAAA"])
def test_what_is_no_public_key_is_refused(line):
    with pytest.raises(ValueError, match=r".*"):
        host_keys.parsed(line)


def test_a_fingerprint_is_that_of_openssh(sshd):
    shown = subprocess.run(
        ["ssh-keygen", "-lf", sshd.directory / "host_key.pub"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert shown.split()[1] in host_keys.fingerprint(sshd.host_key)
