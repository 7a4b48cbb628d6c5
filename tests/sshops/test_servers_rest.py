"""Servers over HTTP: who sees and changes them, and that no secret comes out."""

import pytest

from sshops.models import AuditEntry, Server, ServerHealth
from tests import factories
from tests.sshops.test_history import code_of

pytestmark = pytest.mark.django_db(transaction=True)

SERVERS = "/sshops/servers"
DB1 = {
    "name": "db1",
    "host": "10.0.0.1",
    "port": 2222,
    "username": "kim",
    "password": "a secret",
}


@pytest.fixture
def rest(api, boss):
    return api(boss)


def test_a_server_from_beginning_to_end(rest, sshd):
    made = rest.post(
        SERVERS, {**DB1, "private_key": sshd.private_key, "host_key": sshd.host_key}
    )

    assert made.status_code == 201
    record = made.json()
    assert (record["name"], record["port"], record["is_active"]) == ("db1", 2222, True)
    assert (record["has_password"], record["has_private_key"]) == (True, True)
    assert record["default_stop_phrase"].startswith("[SUCC]")
    assert not {"password", "private_key"} & set(record)
    assert "a secret" not in made.content.decode()
    assert rest.get(f"{SERVERS}/DB1").json() == record
    assert rest.get(SERVERS).json() == {"total": 1, "items": [record]}

    changed = rest.patch(f"{SERVERS}/db1", {"port": 22, "password": None})

    assert (changed.json()["port"], changed.json()["has_password"]) == (22, True)
    assert Server.objects.get().password == "a secret"
    assert rest.delete(f"{SERVERS}/db1/").status_code == 204
    assert code_of(rest.get(f"{SERVERS}/db1")) == (404, 13000)
    factories.server(name="kept")
    assert code_of(rest.delete(f"{SERVERS}/ke%00pt")) == (404, 13000)
    for door in ("folder?path=/", "file?path=/x", "uploads?path=/x&upload=12345678"):
        assert code_of(rest.get(f"{SERVERS}/ke%00pt/{door}")) == (404, 23002)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "DB1"},
        {"name": "-x"},
        {"name": "x" * 65},
        {"name": None},
        {"host": ""},
        {"host": "a b"},
        {"port": 0},
        {"port": 65536},
        {"port": "22"},
        {"port": True},
        {"username": ""},
        {"password": None},
        {"password": 5},
        {"private_key": "no key"},
        {"host_key": "ssh-ed25519 no"},
        {"host_key": "x\ny"},
        {"default_stop_phrase": "a\nb"},
        {"is_active": "perhaps"},
        {"tags": "a"},
    ],
)
def test_a_field_that_does_not_fit(rest, wrong):
    answer = rest.post(SERVERS, {**DB1, **wrong})

    assert code_of(answer) == (422, 12000)
    assert "a secret" not in answer.content.decode()
    assert not Server.objects.exists()


def test_a_name_that_is_taken(rest):
    rest.post(SERVERS, DB1)
    rest.post(SERVERS, {**DB1, "name": "db2"})

    assert code_of(rest.post(SERVERS, DB1)) == (409, 13001)
    assert code_of(rest.patch(f"{SERVERS}/db2", {"name": "db1"})) == (409, 13001)


def test_a_server_on_somebodys_way_stays(rest):
    factories.server(name="behind", jump=factories.server(name="jump"))

    assert code_of(rest.delete(f"{SERVERS}/jump")) == (423, 13002)


def test_a_new_address_has_no_health_yet(rest):
    rest.post(SERVERS, DB1)
    ServerHealth.objects.create(server=Server.objects.get(), consecutive_failures=5)

    rest.patch(f"{SERVERS}/db1", {"description": "the first"})
    assert ServerHealth.objects.exists()
    rest.patch(f"{SERVERS}/db1", {"host": "10.0.0.2"})

    assert not ServerHealth.objects.exists()


def test_a_new_host_key_is_audited(rest, sshd, other_sshd, boss):
    rest.post(SERVERS, {**DB1, "host_key": sshd.host_key})
    rest.patch(f"{SERVERS}/db1", {"description": "the same key"})
    rest.patch(f"{SERVERS}/db1", {"host_key": other_sshd.host_key})

    entries = AuditEntry.objects.order_by("id")
    assert [(e.kind, e.user, e.server_name) for e in entries] == [
        ("host_key", boss.email, "db1")
    ] * 2
    assert rest.get(SERVERS).json()["items"][0]["fingerprint"] == entries[1].text


def test_operators_look_and_strangers_do_not(api, operator, outsider):
    factories.server(name="db1")
    factories.server(name="db2").allowed_users.add(outsider)

    listed = api(operator).get(SERVERS).json()["items"]
    assert [item["name"] for item in listed] == ["db1"]
    assert code_of(api(operator).get(f"{SERVERS}/db2")) == (404, 13000)
    for method in ("patch", "delete"):
        call = getattr(api(operator), method)
        assert code_of(call(f"{SERVERS}/db1", {})) == (403, 11001)
    assert code_of(api(operator).post(SERVERS, DB1)) == (403, 11001)
    assert code_of(api(outsider).get(SERVERS)) == (403, 11001)
    assert code_of(api().get(SERVERS)) == (401, 11000)


def test_the_number_of_queries_does_not_grow(rest, django_assert_num_queries):
    for number in range(2):
        if number:
            for _more in range(5):
                factories.server(jump=factories.server())
        else:
            factories.server()
            rest.get(SERVERS)
        with django_assert_num_queries(3):
            rest.get(SERVERS)
