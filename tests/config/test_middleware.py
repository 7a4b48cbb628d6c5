"""Paths with and without the closing slash; the content policy of every page."""

import re

import pytest

from tests import factories

STRICT = "default-src 'self'; img-src 'self' data: blob:; object-src 'none';"


@pytest.mark.parametrize(
    "path",
    ["/roadblock", "/health", "/sign-in", "/docs", "/redoc", "/api/schema"],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_spellings_are_found_without_a_redirect(client, db, path, slash):
    assert client.get(path + slash).status_code == 200


@pytest.mark.parametrize("path", ["/roadblock/vehicles", "/roadblock/api/vehicles"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_spellings_of_the_api_are_found(api, outsider, path, slash):
    assert api(outsider).get(path + slash).json() == {"vehicles": []}


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/"])
def test_a_post_keeps_its_body_under_both_spellings(client, db, path):
    factories.user("kim@example.com")

    form = {"username": "kim@example.com", "password": factories.PASSWORD}
    response = client.post(path, form)

    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize("path", ["/admin", "/admin/roadblock/vehicle"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_spellings_of_the_admin_are_found(client, boss, path, slash):
    client.force_login(boss)

    assert client.get(path + slash).status_code == 200


@pytest.mark.parametrize("path", ["/admin/nothing", "/admin/nothing/"])
def test_what_the_admin_has_not_is_not_found(client, boss, path):
    client.force_login(boss)

    assert client.get(path).status_code == 404


def test_the_rest_of_an_address_is_kept(client, db):
    response = client.get("/roadblock?a=1&b=%2F", headers={"accept": "text/html"})

    assert response["Location"] == "/sign-in/?next=/roadblock%3Fa%3D1%26b%3D%252F"


@pytest.mark.parametrize(
    "path", ["/", "/sign-in/", "/roadblock/", "/nothing", "/health", "/api/schema/"]
)
def test_answers_of_ours_have_the_strict_policy(client, db, path):
    client.force_login(factories.user())

    policy = client.get(path)["Content-Security-Policy"]

    assert policy.startswith(STRICT)
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_may_style_itself_and_runs_no_inline_script(client, path):
    response = client.get(path)

    assert "style-src 'self' 'unsafe-inline'" in response["Content-Security-Policy"]
    assert "script-src" not in response["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\ssrc=)", response.content.decode()) == []
    assert re.findall(r"\ssrc=\"(?:https?:)?//", response.content.decode()) == []


def test_the_admin_has_the_exceptions_that_it_needs(client, boss):
    client.force_login(boss)

    policy = client.get("/admin/")["Content-Security-Policy"]

    assert policy.startswith(STRICT)
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in policy


def test_a_path_that_only_begins_like_an_exception_is_none(client):
    policy = client.get("/administer")["Content-Security-Policy"]

    assert "unsafe" not in policy


def test_a_page_that_settings_name_may_send_any_header(client, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://front.example"]
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-camera-id, range",
    }

    def preflight(origin):
        return client.options("/health", headers={"origin": origin, **asked})

    allowed = preflight("https://front.example")
    assert allowed["Access-Control-Allow-Headers"] == "x-camera-id, range"
    assert "Access-Control-Allow-Headers" not in preflight("https://other.example")
