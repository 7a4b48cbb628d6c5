import pytest

from tests import factories
from tests.browsing import browser, chromium, site
from tests.stores import fixtures, s3_server

__all__ = ["browser", "chromium", "s3_server", "site"]

disk, bucket, nowhere, shelf = fixtures("uploads")


@pytest.fixture
def kim(transactional_db):
    """An ordinary person."""
    return factories.user("kim@example.com", uname="Kim")


@pytest.fixture
def login(api):
    """Sign in over HTTP; return the answer."""

    def post(email="kim@example.com", password=factories.PASSWORD, **extra):
        body = {"email": email, "password": password}
        return api().post("/workspace/auth/login", body, **extra)

    return post
