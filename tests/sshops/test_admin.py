"""The operators' desk: secrets go in and never come out; keys are accepted there."""

import pytest
from django.test import Client
from django.urls import reverse

from sshops import host_keys, leases
from sshops.models import AuditEntry, Lease, Server
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(client, boss):
    client.force_login(boss)
    return client


def form(**values):
    return {
        "name": "db1",
        "host": "10.0.0.1",
        "port": 22,
        "username": "kim",
        "tags": "[]",
        "default_stop_phrase": "",
        "is_active": "on",
        **values,
    }


@pytest.fixture
def client():
    return Client()


def test_a_secret_is_written_and_never_shown(desk):
    desk.post(reverse("admin:sshops_server_add"), form(new_password="a secret"))
    server = Server.objects.get()
    page = reverse("admin:sshops_server_change", args=[server.pk])

    shown = desk.get(page).content.decode()

    assert server.password == "a secret"
    assert "a secret" not in shown
    desk.post(page, form(description="changed"))
    server.refresh_from_db()
    assert (server.password, server.description) == ("a secret", "changed")
    desk.post(page, form(drop_secrets="on"))
    server.refresh_from_db()
    assert server.password is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "DB 1"},
        {"port": 70000},
        {"host_key": "no key"},
        {"new_private_key": "no key"},
    ],
)
def test_a_field_that_does_not_fit(desk, wrong):
    response = desk.post(reverse("admin:sshops_server_add"), form(**wrong))

    assert response.status_code == 200
    assert not Server.objects.exists()


def test_an_operator_accepts_a_key(desk, boss, sshd):
    line = host_keys.parsed(sshd.host_key)
    server = factories.server(offered_host_key=line)
    page = reverse("admin:sshops_server_changelist")
    assert "not accepted yet" in desk.get(page).content.decode()

    desk.post(page, {"action": "accept_keys", "_selected_action": [server.pk]})

    server.refresh_from_db()
    assert (server.host_key, server.offered_host_key) == (line, "")
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.user, entry.server_name) == (
        *("host_key", boss.email),
        server.name,
    )


def test_a_lock_that_hangs_is_taken_away(desk):
    leases.start_session("somebody")
    lease = Lease.objects.get()

    desk.post(
        reverse("admin:sshops_lease_changelist"),
        {"action": "take_away", "_selected_action": [lease.pk]},
    )

    assert not Lease.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "server",
        "healthcheck",
        "lease",
        "loadhistory",
        "patchnote",
        "transfer",
        "transferrun",
        "uploadpart",
    ],
)
def test_every_list_has_a_page(desk, name):
    factories.server()

    response = desk.get(reverse(f"admin:sshops_{name}_changelist"))

    assert response.status_code == 200
