"""Signing in: what comes back, and how little a failure tells."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import jwt
import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from config.errors import TooMany
from config.hashers import Argon2
from tests import factories
from workspace import people
from workspace.models import TokenFamily

pytestmark = pytest.mark.django_db(transaction=True)


class CountingHasher(Argon2):
    """Argon2 that counts how often it works."""

    count = 0

    def encode(self, *args, **kwargs):
        CountingHasher.count += 1
        return super().encode(*args, **kwargs)

    def verify(self, *args, **kwargs):
        CountingHasher.count += 1
        return super().verify(*args, **kwargs)


def claims_of(token):
    return jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])


def test_answers_tokens(login, kim):
    response = login()

    body = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert body == {
        "access_token": body["access_token"],
        "token_type": "bearer",
        "success": True,
        "refresh_token": body["refresh_token"],
        "expires_in": 1800,
    }


def test_claims_of_a_person_named_a(login):
    user = factories.user(
        "a@x.kr", uname="A", uid="2ce595b4-86fe-495e-b3cd-3cd3ed6a405d"
    )

    token = login(user.email).json()["access_token"]

    claims = claims_of(token)
    known = {name: claims[name] for name in ("sub", "uemail", "user_id")}
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert known == {
        "sub": "A",
        "uemail": "a@x.kr",
        "user_id": "2ce595b4-86fe-495e-b3cd-3cd3ed6a405d",
    }
    assert set(claims) == {*known, "exp", "iat", "jti", "type"}
    assert claims["exp"] - claims["iat"] == 30 * 60
    assert abs(claims["iat"] - timezone.now().timestamp()) < 5


def test_the_token_opens_the_rest(login, kim, api):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {login().json()['access_token']}")

    response = client.get("/workspace/users/me")

    assert response.json()["uid"] == str(kim.pk)


@pytest.mark.parametrize("path", ["/workspace/auth/login", "/workspace/auth/login/"])
@pytest.mark.parametrize("name", ["email", "uemail"])
@pytest.mark.parametrize("address", ["kim@example.com", "KIM@Example.COM"])
def test_either_name_any_case_and_an_optional_slash(api, kim, path, name, address):
    body = {name: address, "password": factories.PASSWORD}

    response = api().post(path, body)

    assert response.status_code == 200


def test_a_stale_token_in_the_header_does_not_matter(login, kim):
    response = login(HTTP_AUTHORIZATION="Bearer stale")

    assert response.status_code == 200


def test_notes_the_moment_and_where_from(login, kim):
    login(HTTP_USER_AGENT="Browser", REMOTE_ADDR="192.0.2.7")

    kim.refresh_from_db()
    family = TokenFamily.objects.get()
    assert timezone.now() - kim.ulast_login < timedelta(seconds=5)
    assert (family.user, family.address, family.user_agent) == (
        kim,
        "192.0.2.7",
        "Browser",
    )


def test_all_failures_look_and_work_alike(login, settings):
    settings.PASSWORD_HASHERS = ["tests.workspace.test_login.CountingHasher"]
    factories.user("good@example.com")
    factories.user("blocked@example.com", uactive=False)
    factories.user("deleted@example.com", uisdel=True)
    tries = [
        ("good@example.com", "wrong"),
        ("nobody@example.com", factories.PASSWORD),
        ("no address", factories.PASSWORD),
        ("", ""),
        ("blocked@example.com", factories.PASSWORD),
        ("deleted@example.com", factories.PASSWORD),
    ]

    answers, work = [], []
    for email, password in tries:
        CountingHasher.count = 0
        answers.append(login(email, password))
        work.append(CountingHasher.count)

    assert [answer.status_code for answer in answers] == [401] * len(tries)
    assert {answer.content for answer in answers} == {
        b'{"detail":"E-mail or password is wrong.","code":"wrong_credentials"}'
    }
    assert {answer["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert work == [1] * len(tries)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {},
        {"email": "kim@example.com"},
        {"password": "x"},
        {"email": None, "password": "x"},
        {"email": 7, "password": "x"},
        {"email": "kim@example.com", "password": 7},
        {"email": "kim@example.com", "password": ["x"]},
        {"email": "a" * 151, "password": "x"},
        {"email": "kim\0@example.com", "password": "x"},
        {"email": "kim@example.com", "password": "\0"},
        {"email": "kim@example.com", "password": "\ud800"},
        {"email": "kim@example.com", "password": "x" * 1025},
    ],
)
def test_a_malformed_body_is_422(api, body):
    response = api().post(
        "/workspace/auth/login", json.dumps(body), content_type="application/json"
    )

    assert response.status_code == 422
    assert response.json()["code"] == "invalid"
    assert isinstance(response.json()["detail"], list)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"email=kim@example.com&password=x", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
    ],
)
def test_no_json_is_422(api, body, content_type):
    response = api().generic("POST", "/workspace/auth/login", body, content_type)

    assert response.status_code == 422


def test_json_counts_whatever_its_content_type(api, kim):
    body = json.dumps({"email": kim.email, "password": factories.PASSWORD})

    response = api().generic("POST", "/workspace/auth/login", body, "text/plain")

    assert response.status_code == 200


def test_the_eleventh_failure_in_a_minute_is_refused(login, kim):
    statuses = [login(password="wrong").status_code for _ in range(10)]

    refused = login()
    with_other_case = login("Kim@Example.com")
    elsewhere = login(REMOTE_ADDR="192.0.2.7")
    other_person = login("somebody@example.com")

    assert statuses == [401] * 10
    assert refused.status_code == with_other_case.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 50 <= int(refused["Retry-After"]) <= 60
    assert elsewhere.status_code == 200
    assert other_person.status_code == 401


def test_successes_are_not_counted(login, kim):
    statuses = {login().status_code for _ in range(12)}

    assert statuses == {200}


def test_failures_at_once_pass_no_more_than_ten(kim):
    def attempt(_number):
        try:
            people.sign_in(email=kim.email, password="wrong", address="192.0.2.7")
        except people.WrongCredentials:
            return "wrong"
        except TooMany:
            return "too many"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(attempt, range(16)))

    assert outcomes.count("wrong") == 10
    assert outcomes.count("too many") == 6


def test_no_secret_is_logged(login, kim, api, caplog):
    caplog.set_level(logging.DEBUG)

    body = login().json()
    login(password="not-the-password")
    api().post("/workspace/auth/refresh", {"refresh_token": body["refresh_token"]})
    api().post("/workspace/auth/login", {"password": factories.PASSWORD})
    api().get("/workspace/users/me", HTTP_AUTHORIZATION="Bearer stale-secret")

    assert caplog.records  # the refusals are logged
    for secret in (
        factories.PASSWORD,
        "not-the-password",
        "stale-secret",
        body["access_token"],
        body["refresh_token"],
    ):
        assert secret not in caplog.text


# The pages


@pytest.mark.parametrize("page", ["/sign-in/", "/admin/login/"])
def test_a_page_signs_in_and_notes_the_moment(client, boss, page):
    response = client.post(
        page, {"username": "BOSS@example.com", "password": factories.PASSWORD}
    )

    boss.refresh_from_db()
    assert response.status_code == 302
    assert isinstance(boss.ulast_login, datetime)
    assert client.session["_auth_user_id"] == str(boss.pk)


@pytest.mark.parametrize("page", ["/sign-in/", "/admin/login/"])
def test_pages_draw_from_the_same_failures(client, login, boss, page):
    for _ in range(5):
        client.post(page, {"username": boss.email, "password": "wrong"})
    for _ in range(5):
        login(boss.email, "wrong")

    api_refuses = login(boss.email)
    page_refuses = client.post(
        page, {"username": boss.email, "password": factories.PASSWORD}
    )

    assert api_refuses.status_code == 429
    assert "Too many attempts" in page_refuses.content.decode()
    assert "_auth_user_id" not in client.session


def test_the_sign_in_page_answers_429(client, boss):
    form = {"username": boss.email, "password": "wrong"}
    statuses = [client.post("/sign-in/", form).status_code for _ in range(10)]

    refused = client.post("/sign-in/", form)

    assert statuses == [200] * 10
    assert refused.status_code == 429
    assert 50 <= int(refused["Retry-After"]) <= 60


def test_a_page_refuses_the_blocked_like_everybody(client, kim):
    people.block(kim)

    pages = [
        client.post("/sign-in/", {"username": email, "password": factories.PASSWORD})
        for email in (kim.email, "nobody@example.com")
    ]

    errors = [page.context["form"].non_field_errors() for page in pages]
    assert errors[0] == errors[1]
    assert "_auth_user_id" not in client.session
