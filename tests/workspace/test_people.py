"""Coming in and being kept out: what it does to tokens, sessions and sockets."""

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import IntegrityError, transaction

from tests import factories
from workspace import people, tokens
from workspace.models import Role, TokenFamily, User


def test_me_is_as_the_contract_says(api, db):
    user = factories.user(
        "kim@example.com",
        uid="2ce595b4-86fe-495e-b3cd-3cd3ed6a405d",
        uname="김 하나",
        ucreate_at="2026-11-21T06:54:39.006326Z",
    )
    User.objects.update(uupdated_at="2026-11-21T06:54:39.006326Z")

    response = api(user).get("/workspace/users/me")

    assert response.status_code == 200
    assert response.json() == {
        "uid": "2ce595b4-86fe-495e-b3cd-3cd3ed6a405d",
        "uemail": "kim@example.com",
        "uname": "김 하나",
        "urole": "user",
        "uavatar": None,
        "uisdel": False,
        "uactive": True,
        "ucreate_at": "2026-11-21T06:54:39.006326Z",
        "ulast_login": None,
        "uupdated_at": "2026-11-21T06:54:39.006326Z",
    }


@pytest.mark.parametrize("urole", ["user", "viewer", "admin"])
def test_a_superuser_shows_as_admin(api, transactional_db, urole):
    ordinary = factories.user("a@example.com", urole=urole)
    superuser = factories.user("b@example.com", urole=urole, is_superuser=True)

    roles = [
        api(user).get("/workspace/users/me").json()["urole"]
        for user in (ordinary, superuser)
    ]

    assert roles == [urole, "admin"]


def test_home_and_health(api, outsider):
    client = api(outsider)

    home = client.get("/workspace")
    health = client.get("/workspace/health")

    assert (home.status_code, list(home.json())) == (200, ["message"])
    assert (health.status_code, health.json()) == (200, {"status": "healthy"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/workspace/"),
        ("get", "/workspace/health"),
        ("get", "/workspace/users/me"),
        ("post", "/workspace/auth/logout"),
    ],
)
@pytest.mark.parametrize(
    "header", [None, "Bearer x", "Bearer ", "Basic eDp5", "Bearer é"]
)
def test_nobody_is_asked_to_sign_in(api, db, method, path, header):
    extra = {} if header is None else {"HTTP_AUTHORIZATION": header}

    response = getattr(api(), method)(path, **extra)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert set(response.json()) == {"detail", "code"}


@pytest.mark.parametrize("shut", [people.block, people.delete])
def test_kept_out_at_once_everywhere(api, client, login, kim, shut):
    signed_in = api(kim)
    client.force_login(kim)
    assert signed_in.get("/workspace/users/me").status_code == 200
    assert client.get("/workspace/users/me").status_code == 200

    shut(kim)

    assert signed_in.get("/workspace/users/me").status_code == 401
    assert client.get("/workspace/users/me").status_code == 401
    assert login().status_code == 401


def test_there_is_a_way_back(login, kim):
    before = kim.uupdated_at

    people.block(kim)
    people.delete(kim)
    blocked_and_deleted = login().status_code
    people.restore(kim)
    still_blocked = login().status_code
    people.unblock(kim)

    assert (blocked_and_deleted, still_blocked) == (401, 401)
    assert login().status_code == 200
    assert User.objects.get().uupdated_at > before


def test_blocking_writes_nothing_else(kim):
    User.objects.update(uname="Somebody changed this meanwhile")

    people.block(kim)

    stored = User.objects.get()
    assert (stored.uname, stored.uactive) == ("Somebody changed this meanwhile", False)


@pytest.mark.usefixtures("_close_connections")
@pytest.mark.parametrize("shut", [people.block, people.sign_out_everywhere])
async def test_open_sockets_close_with_4401(socket, kim, shut):
    communicator = socket("/roadblock/ws/front/events", kim)
    connected, _ = await communicator.connect()
    assert connected

    await sync_to_async(shut)(kim)

    message = {}
    while message.get("type") != "websocket.close":
        message = await communicator.receive_output(5)
    assert message["code"] == 4401


def test_an_address_is_one_persons_whatever_its_case(kim):
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.user("KIM@example.com")


def test_an_address_is_looked_up_as_its_index_has_it(kim, django_assert_num_queries):
    with django_assert_num_queries(1) as queries:
        User.objects.get_by_natural_key("KIM@example.com")

    assert 'LOWER("workspace_user"."email") = ' in queries[0]["sql"]


# The superuser of a new installation


@pytest.fixture
def ensure(db, capsys, monkeypatch):
    """Run the command in an environment; return what it prints."""

    def run(email="", password=""):
        monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", email)
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
        call_command("ensure_superuser")
        return capsys.readouterr().out

    return run


def test_the_named_superuser_is_made(ensure):
    said = ensure("root@example.com", "a long password")

    user = User.objects.get()
    assert said == ""
    assert (user.email, user.urole) == ("root@example.com", Role.ADMIN)
    assert user.is_superuser
    assert user.is_active
    assert user.check_password("a long password")


def test_an_existing_person_becomes_the_superuser(ensure):
    user = factories.user("Root@example.com", uactive=False, uisdel=True)
    tokens.open_family(user)

    said = ensure("root@example.com", "a long password")

    user.refresh_from_db()
    assert said == ""
    assert (user.is_superuser, user.is_active) == (True, True)
    assert user.check_password("a long password")
    assert TokenFamily.objects.get().revoked_at is not None


def test_a_password_that_fits_is_left_as_it_is(ensure):
    user = factories.user("root@example.com", is_superuser=True)
    tokens.open_family(user)

    ensure("root@example.com", factories.PASSWORD)

    stored = User.objects.get()
    assert stored.password == user.password
    assert TokenFamily.objects.get().revoked_at is None


def test_without_names_one_is_made_up_once(ensure):
    first, second = ensure(), ensure()

    user = User.objects.get()
    password = first.split()[-1]
    assert user.email == "admin@example.com"
    assert user.email in first
    assert user.is_superuser
    assert user.check_password(password)
    assert second == ""


def test_with_a_superuser_there_none_is_made_up(ensure, boss):
    said = ensure()

    assert said == ""
    assert User.objects.count() == 1


def test_djangos_own_command_works_without_questions(db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "root@example.com")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long password")

    call_command("createsuperuser", "--noinput", verbosity=0)

    user = User.objects.get()
    assert (user.is_superuser, user.role) == (True, Role.ADMIN)
    assert user.check_password("a long password")
