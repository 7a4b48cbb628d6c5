"""The people, and ways to call the whole application as each of them."""

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db import connections
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from tests import factories


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
async def _close_connections():
    """Close what async tests opened in threads, or the test database cannot go."""
    yield
    await sync_to_async(connections.close_all)()


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


def token(user):
    return str(AccessToken.for_user(user))
