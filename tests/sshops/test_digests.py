"""The SHA-256 that a server works out, on a real sshd."""

import hashlib
import os
from contextlib import closing

import pytest

from sshops import digests
from sshops.connections import open_connection
from sshops.digests import STEP_BYTES, Growing
from tests import factories
from tests.sshops.working import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(sshd):
    with open_connection(factories.server(sshd)) as connection:
        yield connection


@pytest.fixture(params=["python3", "openssl"])
def tool(request, monkeypatch):
    """What sums on the server: Python's hashlib, or where it is missing, a program."""
    if request.param != "python3":
        script = digests.SUM_OF_PARTS.replace("python3", "no-python3")
        monkeypatch.setattr(digests, "SUM_OF_PARTS", script)


@pytest.mark.usefixtures("tool")
@pytest.mark.parametrize("size", [STEP_BYTES, 2 * STEP_BYTES + 300_001])
def test_a_file_that_grows(connection, tmp_path, size):
    content = os.urandom(size)
    path = tmp_path / 'it\'s "a" $file'
    path.touch()

    with path.open("ab") as file, closing(Growing(connection, str(path))) as growing:
        for begin in range(0, size, 7_000_000):
            file.write(content[begin : begin + 7_000_000])
            file.flush()
            growing.has(file.tell())
        digest = growing.digest(size)

    assert digest == hashlib.sha256(content).hexdigest()


def test_a_small_file_is_left_to_be_summed_at_once(connection, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"small")

    with closing(Growing(connection, str(path))) as growing:
        growing.has(5)
        assert growing.digest(5) is None


def test_what_is_stored_counts_not_what_was_sent(connection, tmp_path):
    content = bytes(STEP_BYTES)
    path = tmp_path / "file"
    path.write_bytes(content[:-1] + b"x")

    with closing(Growing(connection, str(path))) as growing:
        growing.has(STEP_BYTES)
        digest = growing.digest(STEP_BYTES)

    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest != hashlib.sha256(content).hexdigest()


def test_a_file_that_is_not_there(connection, tmp_path):
    with closing(Growing(connection, str(tmp_path / "none"))) as growing:
        growing.has(STEP_BYTES)
        wait_until(lambda: growing.channel.exit_status_ready())
        assert growing.digest(STEP_BYTES + 1) is None


@pytest.mark.parametrize("later", [[], [2 * STEP_BYTES]])
def test_a_line_that_is_broken_gives_none(connection, tmp_path, later):
    growing = Growing(connection, str(tmp_path / "file"))
    growing.has(STEP_BYTES)
    connection.close()

    for size in later:
        growing.has(size)

    assert growing.digest(2 * STEP_BYTES + 1) is None
