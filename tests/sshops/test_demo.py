"""The demo's two SSH servers."""

import pytest

from sshops import connections, demo
from sshops.models import Server
from sshops.sshd import NoOpenSSH

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def running(sshd):
    started = []
    yield started
    for server in started:
        server.stop()


def test_one_logs_in_to_both(running):
    demo.load(True)
    assert demo.is_there()

    running += demo.start()

    assert len(running) == 2
    for server in Server.objects.all():
        with connections.open_connection(server) as connection:
            assert connection.is_alive


def test_a_taken_port_is_given_up(running, make_sshd):
    demo.load(True)
    other = make_sshd()
    Server.objects.filter(name="demo-one").update(port=other.port)

    running += demo.start()

    server = Server.objects.get(name="demo-one")
    assert server.port != other.port
    connections.open_connection(server).close()


def test_an_old_database_is_left_alone():
    demo.load(False)

    assert not Server.objects.exists()
    assert not demo.is_there()


def test_without_sshd_there_are_none(monkeypatch):
    def missing():
        raise NoOpenSSH("sshd is not installed")

    monkeypatch.setattr(demo, "program", missing)

    demo.load(True)

    assert not Server.objects.exists()
