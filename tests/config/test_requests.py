"""A Content-Type that nobody can read breaks nothing."""

import httpx
import pytest

from config import asgi
from tests import serving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def http():
    with (
        serving.in_thread(asgi.application) as served,
        httpx.Client(base_url=served.url, timeout=20) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset*=foo''bar",
        "application/json; charset*=utf-8''a%00b",
        "multipart/form-data; boundary*=foo''x",
        "x/y; charset=hex",
        "x/y; charset=undefined",
        "x/y; charset=punycode",
        "x/y; charset=idna",
    ],
)
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200),
        ("/charging/api/reservations/my?email=%C3%A9a&plate=12%EA%B0%803456", 200),
        ("/roadblock/api/vehicles/events/stream?a=%C3%A9", 401),
        ("/workspace/api/teams?a=%C3%A9", 401),
    ],
)
def test_a_type_that_cannot_be_read(http, path, status, content_type):
    answer = http.get(path, headers={"Content-Type": content_type})

    assert answer.status_code == status


@pytest.mark.parametrize("content_type", ["a/b; c*=x''y", "application/json; a*=x''y"])
def test_a_login_whose_type_cannot_be_read(http, content_type):
    answer = http.post(
        "/charging/api/user/login",
        content='{"email": "é@example.com", "password": "wrong"}',
        headers={"Content-Type": content_type},
    )

    assert (answer.status_code, "detail" in answer.json()) == (401, True)
