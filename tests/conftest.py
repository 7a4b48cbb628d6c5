"""The people, and ways to call the whole application as each of them."""

import os

import pytest
import redis
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.core.cache import cache
from django.db import connection, connections
from django.utils import translation
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from config import realtime
from config.routing import websockets
from roadblock import tracking
from tests import cluster, factories, serving
from workspace.chat import switchboard


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture(autouse=True)
def _language_of_its_own():
    """A request in Korean leaves its language behind in the thread of the tests."""
    yield
    translation.deactivate()


@pytest.fixture
async def _close_connections():
    """Close what async tests opened in threads, or the test database cannot go."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL beside that of the other tests, to be stopped and restored."""
    with cluster.running() as running:
        yield running


@pytest.fixture(scope="session")
def environ(postgres):
    """The environment of processes that use it; its database has one superuser."""
    environ = cluster.environment(
        postgres,
        ADMINS="office@example.com",
        CHARGING_GUEST_CREATE_RATE="100000/min",
        EMAIL_URL=f"filemail:///{postgres.where.data}/mail",
        DJANGO_SUPERUSER_EMAIL=cluster.EMAIL,
        DJANGO_SUPERUSER_PASSWORD=cluster.PASSWORD,
    )
    cluster.manage(environ, "migrate", "--verbosity=0")
    cluster.manage(environ, "ensure_superuser")
    return environ


@pytest.fixture(scope="module")
def valkey(environ):
    """The Valkey database of these processes."""
    client = redis.Redis.from_url(environ["REDIS_URL"])
    client.flushdb()
    yield client
    client.flushdb()


@pytest.fixture
def environment(settings, monkeypatch):
    """Let processes that are started use the tests' database and Valkey."""
    database = connection.settings_dict
    monkeypatch.setenv(
        "DATABASE_URL",
        f"postgresql://{database['USER']}@/{database['HOST']}/{database['NAME']}",
    )
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)


@pytest.fixture
def servers(transactional_db, environment):
    """Two processes of the web server."""
    with (
        serving.as_process("config.asgi:application") as one,
        serving.as_process("config.asgi:application") as two,
    ):
        yield one, two


@pytest.fixture
def outsider(transactional_db):
    """Signed in, and nothing more."""
    return factories.user("outsider@example.com")


@pytest.fixture
def boss(transactional_db):
    """A superuser."""
    return factories.user("boss@example.com", is_superuser=True)


@pytest.fixture
def api():
    """Return a REST client, signed in by a real token when a user is given."""

    def client(user=None):
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token(user)}")
        return client

    return client


@pytest.fixture
async def socket():
    """Return a WebSocket client of the whole application; what it opens is closed."""
    opened = []

    def client(path, user=None, headers=()):
        headers = list(headers)
        if user is not None:
            headers.append((b"authorization", f"Bearer {token(user)}".encode()))
        communicator = WebsocketCommunicator(websockets, path, headers=headers)
        opened.append(communicator)
        return communicator

    yield client
    for communicator in opened:
        await communicator.disconnect()
    await tracking.stop()
    await switchboard.stop()
    await realtime.hub().close()
    await get_channel_layer().flush()


def token(user):
    return str(AccessToken.for_user(user))


def pytest_terminal_summary(terminalreporter):
    if os.environ.get("NO_SKIP") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("Skips are not allowed here.", red=True)


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIP") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
