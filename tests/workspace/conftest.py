import httpx
import pytest

from tests import browsing, factories, serving
from tests.browsing import browser, chromium, site
from tests.conftest import token
from tests.stores import fixtures, s3_server
from tests.workspace.talk import talking

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


@pytest.fixture
def house(transactional_db):
    """The whole application under uvicorn."""
    from config.asgi import application  # wires the app up, so only when needed

    with serving.in_thread(application) as served:
        yield served
    browsing.hang_up()


@pytest.fixture
async def talk(house):
    """Connect Talkers."""
    async with talking(house) as client:
        yield client


@pytest.fixture
def call(house):
    """Call the HTTP side of chat; return the answer."""

    def request(method, path, user, **extra):
        headers = {"Authorization": f"Bearer {token(user)}"} if user else {}
        url = f"{house.url}/workspace{path}"
        return httpx.request(method, url, headers=headers, trust_env=False, **extra)

    return request
