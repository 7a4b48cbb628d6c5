"""The private OpenSSH server that the demo and the other tests log in to."""

import base64
import io
import time

import paramiko
import pytest


def connected(server, host_key=None):
    kind, key = (host_key or server.host_key).split()[:2]
    client = paramiko.SSHClient()
    client.get_host_keys().add(
        f"[{server.host}]:{server.port}",
        kind,
        paramiko.PKey.from_type_string(kind, base64.b64decode(key)),
    )
    client.connect(
        server.host,
        server.port,
        server.username,
        pkey=paramiko.Ed25519Key.from_private_key(io.StringIO(server.private_key)),
        allow_agent=False,
        look_for_keys=False,
        timeout=10,
    )
    return client


def test_it_runs_commands_for_who_has_the_key(sshd):
    with connected(sshd) as client:
        _stdin, stdout, _stderr = client.exec_command("echo $((6 * 7)) $LANG")

        assert stdout.read() == b"42 C.UTF-8\n"


def test_two_have_keys_of_their_own(sshd, other_sshd):
    with pytest.raises(paramiko.BadHostKeyException):
        connected(sshd, other_sshd.host_key)


def test_stopping_ends_what_runs(make_sshd):
    server = make_sshd()
    client = connected(server)
    client.get_transport().open_session().exec_command("sleep 60")

    server.stop()

    deadline = time.monotonic() + 10
    while client.get_transport().is_active():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_new_host_key_is_another(make_sshd):
    server = make_sshd()
    before = server.host_key
    server.stop()
    server.change_host_key()

    server.start()

    assert server.host_key != before
    assert server.process.poll() is None
