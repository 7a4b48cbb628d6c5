"""Signing up, in and out, as section 2.1 of the protocol has it."""

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework_simplejwt.backends import TokenBackend

from diagnosis import accounts
from diagnosis.models import Account, SignIn
from tests import factories

AUTH = "/diagnosis/auth/"
NEW = {
    "login_id": "lee01",
    "password": "passw0rd",
    "name": "Lee",
    "role": "DOCTOR",
    "admin_code": "letmein",
}
SEOUL_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+09:00"


@pytest.fixture(autouse=True)
def _admin_code(settings):
    settings.ADMIN_CODE = "letmein"


@pytest.fixture
def register(api, transactional_db):
    return lambda **changes: api().post(AUTH + "register", {**NEW, **changes})


@pytest.fixture
def login(api, doctor):
    """Sign the doctor in; other values on request."""

    def call(login_id="kim01", password=factories.PASSWORD, **extra):
        values = {"login_id": login_id, "password": password}
        return api().post(AUTH + "login", values, **extra)

    return call


@pytest.fixture
def refresh(api):
    def call(token, **extra):
        return api().post(AUTH + "refresh", {"refresh_token": token}, **extra)

    return call


def me(api, token):
    return api().get(AUTH + "me", HTTP_AUTHORIZATION=f"Bearer {token}")


def claims_of(token):
    """Read a token as the clinic's client does: with the plain base64 alphabet."""
    middle = token.split(".")[1]
    padded = middle + "=" * (-len(middle) % 4)
    return json.loads(base64.b64decode(padded, validate=True))


# Signing up


@pytest.mark.parametrize("role", ["NONE", "DOCTOR", "NURSE", "STAFF"])
def test_each_role_signs_up(register, role):
    response = register(role=role)

    body = response.json()
    assert response.status_code == 201
    assert list(body) == ["login_id", "id", "name", "role", "created_at", "updated_at"]
    assert (body["login_id"], body["name"], body["role"]) == ("lee01", "Lee", role)
    assert body["id"] == Account.objects.get().pk
    assert re.fullmatch(SEOUL_TIME, body["created_at"])
    assert re.fullmatch(SEOUL_TIME, body["updated_at"])


def test_who_signed_up_can_sign_in(register, api):
    register()

    pair = api().post(AUTH + "login", {"login_id": "lee01", "password": "passw0rd"})

    assert me(api, pair.json()["access_token"]).json()["login_id"] == "lee01"


def test_the_whole_password_counts(register, api):
    register(password="a1" * 50)

    response = api().post(AUTH + "login", {"login_id": "lee01", "password": "a1" * 36})

    assert response.status_code == 401


@pytest.mark.parametrize("code", ["wrong", "", "LETMEIN"])
def test_a_wrong_admin_code_is_told_before_a_taken_login(register, doctor, code):
    response = register(login_id="kim01", admin_code=code)

    assert response.status_code == 400
    assert response.json()["code"] == "wrong_admin_code"


def test_nobody_signs_up_while_there_is_no_code(register, settings):
    settings.ADMIN_CODE = ""

    assert register(admin_code="").json()["code"] == "wrong_admin_code"


def test_codes_cannot_be_tried_out(register):
    statuses = [register(admin_code=f"guess{n}").status_code for n in range(11)]

    assert statuses == [400] * 10 + [429]
    assert register().status_code == 429


def test_a_login_is_taken_once(register):
    register()

    response = register(name="Another")

    assert response.status_code == 400
    assert response.json()["detail"] == "This login ID is taken."
    assert Account.objects.get().user.get_full_name() == "Lee"


def test_of_two_equal_sign_ups_one_succeeds(transactional_db):
    def attempt(_number):
        try:
            accounts.register(**NEW, address="")
        except accounts.LoginIDTaken:
            return "taken"
        finally:
            connections.close_all()
        return "made"

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(attempt, range(4)))

    assert outcomes == ["made", "taken", "taken", "taken"]


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "PATIENT"},
        {"role": "doctor"},
        {"role": None},
        {"login_id": "ab"},
        {"login_id": "a" * 21},
        {"login_id": 12345},
        {"login_id": "a\0b"},
        {"password": "short1a"},
        {"password": "nodigitshere"},
        {"password": "12345678"},
        {"password": "비밀번호12345"},
        {"name": None},
        {"name": 5},
        {"admin_code": None},
    ],
    ids=str,
)
def test_what_does_not_fit_is_422(register, changes):
    response = register(**changes)

    [problem] = response.json()["detail"]
    assert response.status_code == 422
    assert problem["loc"] == ["body", *changes]
    assert set(problem) >= {"type", "loc", "msg", "input"}


@pytest.mark.parametrize("name", NEW)
def test_all_fields_are_required(api, name, transactional_db):
    body = {key: value for key, value in NEW.items() if key != name}

    response = api().post(AUTH + "register", body)

    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "missing"


# Signing in


def test_a_pair_of_tokens(login):
    response = login()

    assert response.status_code == 200
    assert list(response.json()) == ["access_token", "refresh_token"]
    assert response.cookies == {}


def test_the_tokens_claims(login, doctor):
    body = login().json()

    access, refresh = claims_of(body["access_token"]), claims_of(body["refresh_token"])
    now = timezone.now().timestamp()
    assert (access["sub"], access["type"]) == (str(doctor.pk), "access")
    assert (refresh["sub"], refresh["type"]) == (str(doctor.pk), "refresh")
    assert access["exp"] - now == pytest.approx(3600, abs=5)
    assert refresh["exp"] - now == pytest.approx(86400, abs=5)
    assert isinstance(access["exp"], int)


def test_a_token_of_the_original_has_our_form():
    claims = {"sub": "7", "exp": 4102444800, "type": "access"}
    recorded = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJzdWIiOiI3IiwiZXhwIjo0MTAyNDQ0ODAwLCJ0eXBlIjoiYWNjZXNzIn0."
        "JyrzvZUehdL6SPtsl5GBY2-VdRp6p_z-YbY1B57PsUo"
    )
    backend = TokenBackend("HS256", "test-secret")

    assert backend.encode(claims) == recorded
    assert backend.decode(recorded) == claims


def test_unknown_and_wrong_are_refused_alike(login):
    wrong, unknown = login(password="wrong"), login(login_id="nobody")

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.headers["WWW-Authenticate"] == "Bearer"


def test_somebody_blocked_is_refused(login, doctor):
    doctor.user.uactive = False
    doctor.user.save()

    assert login().status_code == 401


@pytest.mark.parametrize("login_id", ["", "ab", "a" * 21, 5, None, "a\0b"])
def test_a_login_that_cannot_be_is_422(login, login_id):
    assert login(login_id=login_id).status_code == 422


def test_passwords_cannot_be_tried_out(login):
    statuses = [login(password=f"guess{n}").status_code for n in range(11)]

    assert statuses == [401] * 10 + [429]
    assert login().status_code == 429
    assert login(login_id="park01").status_code == 401


def test_a_long_user_agent_is_cut(login, refresh):
    agent = {"HTTP_USER_AGENT": "x" * 5000}

    pair = login(**agent).json()

    assert refresh(pair["refresh_token"], **agent).status_code == 200


def test_sign_ins_at_one_moment_differ(doctor):
    def attempt(number):
        try:
            return accounts.sign_in(
                login_id="kim01",
                password=factories.PASSWORD,
                address=f"192.0.2.{number}",
                user_agent="",
            ).refresh_token
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        tokens = set(threads.map(attempt, range(4)))

    assert len(tokens) == 4
    assert SignIn.objects.count() == 4


def test_a_sign_in_leaves_others_alone(login, refresh):
    first = login().json()["refresh_token"]
    login()

    assert refresh(first).status_code == 200


def test_with_single_sessions_a_sign_in_ends_the_others(login, refresh, settings):
    settings.ALLOW_MULTIPLE_SESSIONS = False
    first, second = (login().json()["refresh_token"] for _ in range(2))

    assert refresh(first).status_code == 401
    assert refresh(second).status_code == 200
