"""The SHA-256 that a server works out, on a real sshd."""

import hashlib
import os
from contextlib import closing

import pytest

from sshops.connections import open_connection
from sshops.digests import STEP_BYTES, Growing
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(sshd):
    with open_connection(factories.server(sshd)) as connection:
        yield connection


@pytest.mark.parametrize("size", [0, 1, STEP_BYTES, 2 * STEP_BYTES + 300_001])
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
        assert growing.digest(1) != hashlib.sha256(b"x").hexdigest()


def test_a_line_that_is_broken_gives_none(connection, tmp_path):
    growing = Growing(connection, str(tmp_path / "file"))
    connection.close()

    growing.has(2 * STEP_BYTES)

    assert growing.digest(2 * STEP_BYTES) is None
