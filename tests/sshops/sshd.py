"""A real sshd for the tests; a conftest.py imports the fixtures its tests want."""

import pytest

from sshops.sshd import LocalServer, NoOpenSSH


@pytest.fixture(scope="session")
def sshd(tmp_path_factory):
    """A running LocalServer for all tests; who stops it or changes its key starts
    another one, by `make_sshd`."""
    yield from _running(LocalServer(tmp_path_factory.mktemp("sshd")))


@pytest.fixture(scope="session")
def other_sshd(tmp_path_factory):
    """A second one, with other keys."""
    yield from _running(LocalServer(tmp_path_factory.mktemp("other-sshd")))


@pytest.fixture
def make_sshd(tmp_path):
    """Return a function that starts a LocalServer of the test's own."""
    made = []

    def make():
        server = LocalServer(tmp_path / f"sshd-{len(made)}")
        made.append(server)
        return _started(server)

    yield make
    for server in made:
        server.stop()


def _started(server):
    try:
        server.start()
    except NoOpenSSH as error:
        pytest.skip(str(error))
    return server


def _running(server):
    yield _started(server)
    server.stop()
