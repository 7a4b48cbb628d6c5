"""Servers to log in to, and the people who may."""

import socket as sockets
import uuid

import pytest
from django.contrib.auth.models import Permission

from sshops.commands import Caller
from tests import factories
from tests.browsing import browser, chromium, site
from tests.sshops.hosting import hosting, opened, screen
from tests.sshops.sshd import make_sshd, other_sshd, sshd
from tests.sshops.stub import PATH, Client
from tests.sshops.working import nudged, worker, working
from tests.stores import fixtures, s3_server

__all__ = [
    "browser",
    "chromium",
    "hosting",
    "make_sshd",
    "nudged",
    "opened",
    "other_sshd",
    "s3_server",
    "screen",
    "site",
    "sshd",
    "worker",
    "working",
]

disk, bucket, nowhere, shelf = fixtures("uploads")  # the shared files


def allow(user, *names):
    """Give a user permissions of this app."""
    found = Permission.objects.filter(content_type__app_label="sshops")
    user.user_permissions.add(*found.filter(codename__in=names))
    return user


@pytest.fixture
def operator(transactional_db):
    """May use terminals and transfers, as the servers allow."""
    user = factories.user("operator@example.com")
    return allow(user, "use_terminal", "use_transfer")


@pytest.fixture
def supervisor(transactional_db):
    """May look at everybody's terminals, recordings and audit log."""
    user = factories.user("supervisor@example.com")
    return allow(user, "supervise_terminals", "view_audit")


@pytest.fixture
def server(sshd, transactional_db):
    """A server with a real sshd."""
    return factories.server(sshd)


@pytest.fixture
async def client(socket, operator):
    """The operator's client of the stub's socket, welcomed."""
    client = Client(socket(PATH, operator))
    await client.join()
    return client


@pytest.fixture
def caller(operator):
    """The operator, as commands and transfers know who asks."""
    return Caller(operator, str(uuid.uuid4()), "10.1.2.3")


@pytest.fixture
def here(tmp_path):
    """A folder that files come from."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def there(tmp_path):
    """A folder that files come to."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def silent_port():
    """A port where somebody accepts, and says nothing."""
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.listen(200)
        yield server.getsockname()[1]
