"""Refresh tokens, and what a token opens."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
from django.db import connections
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from diagnosis import tasks
from diagnosis.models import SignIn
from tests.diagnosis.test_accounts import AUTH, login, me, refresh

__all__ = ["login", "refresh"]


# Refreshing


def test_the_same_refresh_token_comes_back(login, refresh, api):
    pair = login().json()

    renewed = refresh(pair["refresh_token"])

    assert renewed.status_code == 200
    assert renewed.json()["refresh_token"] == pair["refresh_token"]
    assert me(api, renewed.json()["access_token"]).status_code == 200


def test_pages_that_load_at_once_all_refresh(login, refresh):
    token = login().json()["refresh_token"]

    def attempt(_number):
        try:
            return refresh(token).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(attempt, range(8))) == {200}


@pytest.mark.parametrize(
    "extra", [{"REMOTE_ADDR": "192.0.2.9"}, {"HTTP_USER_AGENT": "another"}], ids=str
)
def test_a_token_from_elsewhere_is_refused_and_forgotten(login, refresh, extra):
    token = login().json()["refresh_token"]

    assert refresh(token, **extra).status_code == 401
    assert refresh(token).status_code == 401


def test_another_password_ends_sign_ins(login, refresh, doctor):
    token = login().json()["refresh_token"]
    doctor.user.set_password("something else 1")
    doctor.user.save()

    assert refresh(token).status_code == 401


def test_somebody_blocked_does_not_refresh(login, refresh, doctor):
    token = login().json()["refresh_token"]
    doctor.user.uactive = False
    doctor.user.save()

    assert refresh(token).status_code == 401


def test_an_expired_token_does_not_refresh(login, refresh):
    token = login().json()["refresh_token"]
    SignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert refresh(token).status_code == 401


def test_what_is_no_refresh_token_is_401(login, refresh):
    access = login().json()["access_token"]

    for token in ("", "nonsense", access):
        response = refresh(token)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", [None, 5, ["x"]], ids=str)
def test_what_is_no_text_is_422(refresh, token, transactional_db):
    assert refresh(token).status_code == 422


def test_tokens_are_stored_as_hashes_and_swept(login):
    token = login().json()["refresh_token"]
    login()
    assert token not in str(list(SignIn.objects.values()))

    first = SignIn.objects.earliest("pk")
    first.expires_at = timezone.now() - timedelta(seconds=1)
    first.save()

    assert tasks.sweep_sign_ins() == 1
    assert SignIn.objects.count() == 1


# Signed in


def test_signing_out_forgets_all_refresh_tokens(login, refresh, api):
    pairs = [login().json() for _ in range(2)]
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {pairs[0]['access_token']}"}

    response = api().post(AUTH + "logout", **bearer)

    assert (response.status_code, response.content) == (200, b"")
    assert [refresh(p["refresh_token"]).status_code for p in pairs] == [401, 401]
    assert me(api, pairs[0]["access_token"]).status_code == 200  # until it expires


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_profile(api, doctor, slash):
    body = api(doctor.user).get(f"{AUTH}me{slash}").json()

    assert (body["login_id"], body["id"], body["role"]) == (
        "kim01",
        doctor.pk,
        "DOCTOR",
    )


def test_somebody_from_elsewhere_has_a_profile(api, outsider, boss):
    body = api(outsider).get(AUTH + "me").json()

    assert (body["login_id"], body["role"]) == ("outsider@example.com", "NONE")
    assert api(outsider).get(AUTH + "me").json()["id"] == body["id"]
    assert api(boss).get(AUTH + "me").json()["role"] == "DOCTOR"


@pytest.mark.parametrize(
    "credentials", ["", "Bearer nonsense", "Basic a2ltMDE6eA==", "Token abc"]
)
def test_nobody_is_401(api, credentials, transactional_db):
    for method, path in (("get", "me"), ("post", "logout")):
        response = getattr(api(), method)(AUTH + path, HTTP_AUTHORIZATION=credentials)

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert isinstance(response.json()["detail"], str)


def test_tokens_of_both_doors_open_the_whole_house(login, api, doctor):
    ours = login().json()["access_token"]
    theirs = str(AccessToken.for_user(doctor.user))
    workspace = api().get("/workspace/users/me", HTTP_AUTHORIZATION=f"Bearer {ours}")

    assert workspace.status_code == 200
    assert me(api, theirs).status_code == 200


def test_a_refresh_token_is_no_access_token(login, api):
    assert me(api, login().json()["refresh_token"]).status_code == 401


def test_a_token_of_another_key_is_refused(login, api, doctor):
    claims = jwt.decode(
        login().json()["access_token"], options={"verify_signature": False}
    )
    forged = jwt.encode(claims, "another key, long enough for HS256 too", "HS256")

    assert me(api, forged).status_code == 401


@pytest.mark.parametrize("path", ["register", "login", "refresh", "logout"])
def test_a_body_that_is_no_json_is_told_first(api, path, transactional_db):
    response = api().generic("POST", AUTH + path, b"{no json", "application/json")

    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body"]


def test_the_version(api):
    for path in ("/diagnosis/", "/diagnosis", "/diagnosis/api"):
        assert api().get(path).json() == {"version": "1.1.1"}
