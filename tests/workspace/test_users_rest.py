"""People over HTTP: making, listing, changing; who may, and what is refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from config.errors import DomainError
from tests import factories
from workspace import people, tokens
from workspace.models import TokenFamily, User

USERS = "/workspace/users/"
NOBODYS = "2ce595b4-86fe-495e-b3cd-3cd3ed6a405d"
NEW = {"uemail": "new@example.com", "upassword": "a good long one"}


@pytest.fixture
def staff(transactional_db):
    """An administrator who is no superuser."""
    return factories.user("staff@example.com", urole="admin")


def post(client, path, body):
    return client.post(path, json.dumps(body), content_type="application/json")


# Making people


def test_a_person_is_made_with_defaults(api, staff):
    response = api(staff).post("/workspace/users/", NEW)

    person = User.objects.get(email="new@example.com")
    body = response.json()
    assert response.status_code == 200
    assert body == {
        "uid": str(person.pk),
        "uemail": "new@example.com",
        "uname": "anonymous",
        "urole": "user",
        "uavatar": None,
        "uisdel": False,
        "uactive": True,
        "ucreate_at": body["ucreate_at"],
        "ulast_login": None,
        "uupdated_at": body["uupdated_at"],
    }
    assert datetime.fromisoformat(body["ucreate_at"]).tzinfo == UTC
    assert person.check_password("a good long one")
    assert person.password.startswith("argon2")


def test_a_person_is_made_with_everything(api, boss):
    body = NEW | {
        "uname": "김 하나",
        "urole": "admin",
        "uavatar": "data:image/png;base64,AA==",
        "uisdel": True,
        "uactive": False,
        "uid": NOBODYS,
        "is_superuser": True,
    }

    answer = api(boss).post("/workspace/users", body).json()

    person = User.objects.get(email="new@example.com")
    kept = ("uname", "urole", "uavatar", "uisdel", "uactive")
    assert {name: answer[name] for name in kept} == {n: body[n] for n in kept}
    assert not person.is_superuser
    assert str(person.pk) != NOBODYS


@pytest.mark.parametrize(
    "change",
    [
        {"uemail": None},
        {"uemail": 7},
        {"uemail": ""},
        {"uemail": "no address"},
        {"uemail": "a" * 140 + "@example.com"},
        {"uemail": "nul\0@example.com"},
        {"upassword": None},
        {"upassword": 12345678},
        {"upassword": "short 7"},
        {"upassword": "long " * 26},
        {"upassword": "12345678"},
        {"upassword": "password"},
        {"upassword": "new@example.com"},
        {"upassword": "nul\0 in between"},
        {"uname": ""},
        {"uname": "   "},
        {"uname": None},
        {"uname": 7},
        {"uname": "n" * 101},
        {"uname": "nul\0"},
        {"uname": "\ud800"},
        {"urole": "king"},
        {"urole": None},
        {"urole": ["user"]},
        {"uavatar": 7},
        {"uavatar": "nul\0"},
        {"uavatar": "x" * 200_001},
        {"uisdel": "yes"},
        {"uisdel": None},
        {"uactive": 1},
    ],
)
def test_what_does_not_fit_is_422(api, boss, change):
    response = post(api(boss), USERS, NEW | change)

    assert response.status_code == 422
    assert response.json()["code"] == "invalid"
    places = [entry["loc"][:2] for entry in response.json()["detail"]]
    assert {*map(tuple, places)} == {("body", *change)}
    assert User.objects.count() == 1


@pytest.mark.parametrize("body", [[], "x", 7, None, {}, {"uemail": "a@x.kr"}])
def test_no_object_or_a_missing_field_is_422(api, boss, body):
    assert post(api(boss), USERS, body).status_code == 422


@pytest.mark.parametrize("email", ["boss@example.com", "BOSS@Example.com"])
def test_a_taken_address_is_400_whatever_its_case(api, boss, email):
    response = api(boss).post(USERS, NEW | {"uemail": email})

    assert response.status_code == 400
    assert response.json() == {
        "detail": "This e-mail address is taken.",
        "code": "email_taken",
    }


def test_of_many_at_once_one_gets_the_address(boss):
    def attempt(number):
        email = "New@example.com" if number % 2 else "new@example.com"
        try:
            people.create(by=boss, email=email, password="a good long one")
            return "made"
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(attempt, range(6)))

    assert sorted(outcomes) == ["email_taken"] * 5 + ["made"]


def test_only_a_superuser_makes_an_administrator(api, boss, staff):
    body = NEW | {"urole": "admin"}

    by_staff = api(staff).post(USERS, body)
    by_boss = api(boss).post(USERS, body)

    assert (by_staff.status_code, by_staff.json()["code"]) == (403, "permission_denied")
    assert by_boss.status_code == 200
    assert by_boss.json()["urole"] == "admin"


@pytest.mark.parametrize("urole", ["user", "viewer"])
def test_others_make_nobody(api, db, urole):
    person = factories.user(urole=urole)

    answers = [
        api(person).post(USERS, NEW),
        api(person).post("/workspace/auth/register", NEW),
        api(person).post(USERS, {}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert User.objects.count() == 1


def test_register_is_the_same_under_another_name(api, staff):
    body = {"uemail": "new@example.com", "uname": "New", "password": "a good long one"}

    made = api(staff).post("/workspace/auth/register", body)
    again = api(staff).post("/workspace/auth/register", body)
    weak = api(staff).post("/workspace/auth/register", body | {"password": "1234"})

    assert made.status_code == 201
    assert made.json()["uname"] == "New"
    assert (again.status_code, weak.status_code) == (400, 422)


# Reading


@pytest.fixture
def crowd(transactional_db):
    """Twelve people in the order they came, some at the same moment."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        factories.user(f"p{n}@example.com", ucreate_at=moment.replace(day=1 + n // 3))
        for n in range(12)
    ]


def uids(response):
    assert response.status_code == 200
    return [person["uid"] for person in response.json()]


def in_order(crowd):
    return [str(p.pk) for p in sorted(crowd, key=lambda p: (p.ucreate_at, p.pk))]


def test_people_are_listed_in_pages(api, crowd):
    client = api(crowd[0])
    expected = in_order(crowd)

    assert uids(client.get("/workspace/users")) == expected
    assert uids(client.get(USERS, {"limit": 5})) == expected[:5]
    assert uids(client.get(USERS, {"skip": 5, "limit": 5})) == expected[5:10]
    assert uids(client.get(USERS, {"skip": 11})) == expected[11:]
    assert uids(client.get(USERS, {"limit": 0})) == []
    assert uids(client.get(USERS, {"skip": "9" * 30, "limit": "9" * 30})) == []
    assert uids(client.get(USERS, {"limit": "9" * 5000})) == expected


@pytest.mark.parametrize("name", ["skip", "limit"])
@pytest.mark.parametrize("value", ["-1", "x", "", "1.5", "1e3", "٣", "+1", "\0"])
def test_a_page_that_is_none_is_422(api, outsider, name, value):
    response = api(outsider).get(USERS, {name: value})

    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", name]


def test_pages_have_their_default_and_their_most(api, boss):
    User.objects.bulk_create(User(email=f"p{n}@example.com") for n in range(1100))
    client = api(boss)
    ordinary = api(User.objects.exclude(pk=boss.pk).first())

    assert len(uids(client.get(USERS))) == 100
    assert len(uids(client.get(USERS, {"limit": 1001}))) == 1000
    assert len(uids(client.get(USERS, {"full_permission": 1, "limit": 3}))) == 1101
    assert len(uids(ordinary.get(USERS, {"full_permission": 1, "limit": 3}))) == 3
    assert len(uids(ordinary.get(USERS, {"full_permission": 1}))) == 100


def test_a_list_costs_the_same_for_one_and_for_many(api, outsider):
    client = api(outsider)

    with CaptureQueriesContext(connection) as few:
        client.get(USERS)
    for number in range(5):
        factories.user(f"p{number}@example.com")
    with CaptureQueriesContext(connection) as many:
        client.get(USERS)

    assert len(few) == len(many)


def test_one_person_is_read(api, outsider, boss):
    client = api(outsider)

    assert client.get(f"{USERS}{boss.pk}").json()["uemail"] == "boss@example.com"
    assert client.get(f"{USERS}{str(boss.pk).upper()}/").status_code == 200


@pytest.mark.parametrize(
    "uid", [NOBODYS, "x", "0", "-1", "2ce595b4", "a" * 300, "%00", "한", NOBODYS + "0"]
)
def test_nobodys_id_is_404(api, boss, uid):
    client = api(boss)

    answers = [
        client.get(f"{USERS}{uid}"),
        client.put(f"{USERS}{uid}/block"),
        client.put(f"{USERS}{uid}/role?role=user"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert {answer.json()["code"] for answer in answers} == {"not_found"}


def test_no_password_and_nothing_of_django_is_told(api, boss, crowd):
    text = api(boss).get(USERS, {"full_permission": 1}).content.decode()

    for word in ("argon2", "password", "is_superuser", "is_staff", 'last_login":'):
        assert word not in text.replace("ulast_login", "")


# Changing oneself


def test_people_change_their_own_profile(api, outsider):
    body = {"uname": "New name", "uavatar": "/a.png", "urole": "admin", "uisdel": True}
    before = outsider.uupdated_at

    response = api(outsider).put("/workspace/users/update-profile", body)

    stored = User.objects.get()
    assert response.status_code == 200
    assert response.json()["uname"] == stored.uname == "New name"
    assert response.json()["uavatar"] == "/a.png"
    assert (stored.urole, stored.uisdel) == ("user", False)
    assert stored.uupdated_at > before
    assert stored.check_password(factories.PASSWORD)


def test_what_is_left_out_stays(api, outsider):
    client = api(outsider)
    client.put("/workspace/users/update-profile", {"uavatar": "/a.png"})

    client.put("/workspace/users/update-profile", {"uname": "New name"})
    kept = User.objects.get().uavatar
    client.put("/workspace/users/update-profile", {"uavatar": None})

    stored = User.objects.get()
    assert (kept, stored.uavatar, stored.uname) == ("/a.png", None, "New name")
    assert client.put("/workspace/users/update-profile", {}).status_code == 200


def test_a_new_password_ends_the_sign_ins_of_the_old(api, login, kim):
    tokens.open_family(kim)

    response = api(kim).put(
        "/workspace/users/update-profile", {"upassword": "another horse battery"}
    )

    assert response.status_code == 200
    assert "another" not in response.content.decode()
    assert TokenFamily.objects.get().revoked_at is not None
    assert login().status_code == 401
    assert login(password="another horse battery").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"uname": ""},
        {"uname": None},
        {"uname": "n" * 101},
        {"uname": 7},
        {"upassword": "short"},
        {"upassword": "12345678"},
        {"upassword": None},
        {"upassword": "outsider@example.com"},
        {"uavatar": ["x"]},
    ],
)
def test_a_profile_that_does_not_fit_is_422(api, outsider, body):
    response = api(outsider).put(
        "/workspace/users/update-profile",
        json.dumps(body),
        content_type="application/json",
    )

    assert response.status_code == 422
    assert User.objects.get().check_password(factories.PASSWORD)


# What administrators do


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("block", "uactive", False),
        ("unblock", "uactive", True),
        ("delete", "uisdel", True),
        ("role?role=viewer", "urole", "viewer"),
        ("role?role=user", "urole", "user"),
    ],
)
@pytest.mark.parametrize("who", ["boss", "staff"])
def test_administrators_look_after_people(
    api, outsider, request, who, path, field, value
):
    client = api(request.getfixturevalue(who))
    before = outsider.uupdated_at

    response = client.put(f"{USERS}{outsider.pk}/{path}")

    stored = User.objects.get(pk=outsider.pk)
    assert response.status_code == 200
    assert response.json()["uid"] == str(outsider.pk)
    assert response.json()[field] == value == getattr(stored, field)
    assert stored.uupdated_at > before


def test_the_blocked_are_out_at_once(api, staff, outsider):
    client = api(outsider)
    assert client.get("/workspace/users/me").status_code == 200

    api(staff).put(f"{USERS}{outsider.pk}/block")

    assert client.get("/workspace/users/me").status_code == 401


@pytest.mark.parametrize("query", ["", "?role=", "?role=king", "?role=ADMIN"])
def test_another_role_is_400(api, boss, outsider, query):
    response = api(boss).put(f"{USERS}{outsider.pk}/role{query}")

    assert response.status_code == 400
    assert response.json()["code"] == "unknown_role"


def test_only_a_superuser_gives_the_role_of_administrator(api, boss, staff, outsider):
    by_staff = api(staff).put(f"{USERS}{outsider.pk}/role?role=admin")
    by_boss = api(boss).put(f"{USERS}{outsider.pk}/role?role=admin")

    assert by_staff.status_code == 403
    assert by_boss.json()["urole"] == "admin"


@pytest.mark.parametrize("path", ["block", "unblock", "delete", "role?role=user"])
def test_nobody_changes_themselves_or_those_above(api, boss, staff, path):
    colleague = factories.user("colleague@example.com", urole="admin")

    answers = [
        api(staff).put(f"{USERS}{person.pk}/{path}")
        for person in (staff, colleague, boss)
    ]
    answers.append(api(boss).put(f"{USERS}{boss.pk}/{path}"))

    assert [answer.status_code for answer in answers] == [403] * 4
    assert set(User.objects.values_list("uactive", "uisdel")) == {(True, False)}
    assert User.objects.filter(urole="admin").count() == 2


@pytest.mark.parametrize("urole", ["user", "viewer"])
@pytest.mark.parametrize("path", ["block", "unblock", "delete", "role?role=admin"])
def test_others_change_nobody(api, db, outsider, urole, path):
    person = factories.user(urole=urole)

    answers = [
        api(person).put(f"{USERS}{uid}/{path}")
        for uid in (outsider.pk, person.pk, NOBODYS)
    ]

    assert [answer.status_code for answer in answers] == [403] * 3


# Nobody


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("post", ""),
        ("get", "me"),
        ("put", "update-profile"),
        ("get", NOBODYS),
        ("put", f"{NOBODYS}/block"),
        ("put", f"{NOBODYS}/role?role=user"),
        ("post", "../auth/register"),
        ("get", "../health-check"),
        ("get", "../docs"),
        ("get", "../redoc"),
    ],
)
def test_nobody_is_asked_to_sign_in(api, db, method, path):
    path = (USERS + path).replace("users/../", "")

    response = getattr(api(), method)(path)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "not_authenticated"


# The documentation, and the small ones


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_documentation_is_for_people_who_signed_in(api, outsider, page):
    response = api(outsider).get(f"/workspace/{page}")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    assert "'unsafe-inline'" in response["Content-Security-Policy"]


def test_health_check(api, outsider):
    response = api(outsider).get("/workspace/health-check")

    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert isinstance(response.json()["message"], str)


def test_an_unknown_path_is_404_in_json(api, outsider):
    response = api(outsider).get("/workspace/nothing/here")

    assert response.status_code == 404
    assert set(response.json()) == {"detail", "code"}
