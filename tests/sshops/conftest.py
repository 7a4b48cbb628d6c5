"""Servers to log in to, and the people who may."""

import socket as sockets

import pytest
from django.contrib.auth.models import Permission

from tests import factories
from tests.sshops.sshd import make_sshd, other_sshd, sshd
from tests.sshops.stub import PATH, Client

__all__ = ["make_sshd", "other_sshd", "sshd"]


@pytest.fixture
def operator(transactional_db):
    """May run commands and transfers."""
    user = factories.user("operator@example.com")
    grant(user, "use_terminal", "use_transfer")
    return user


def grant(user, *codenames):
    permissions = Permission.objects.filter(content_type__app_label="sshops")
    user.user_permissions.add(*permissions.filter(codename__in=codenames))


@pytest.fixture
async def client(socket, operator):
    """The operator's client of the stub's socket, welcomed."""
    client = Client(socket(PATH, operator))
    await client.join()
    return client


@pytest.fixture
def silent_port():
    """A port where somebody accepts, and says nothing."""
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.listen(200)
        yield server.getsockname()[1]
