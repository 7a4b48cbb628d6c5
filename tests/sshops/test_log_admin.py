"""The audit log, recordings and terminals in the admin: to read, by who may."""

import pytest
from django.test import Client
from django.urls import reverse

from sshops import audit, recordings, terminals
from tests import factories
from tests.sshops.conftest import allow

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["auditentry", "recording", "terminal"]


@pytest.fixture
def past(operator, settings, tmp_path):
    """Something of each kind; return the recording."""
    settings.SSHOPS_RECORDINGS_DIR = tmp_path
    server = factories.server(name="db1")
    entry = audit.record(kind="command", user=operator, server_name="db1", text="df -h")
    audit.finish(entry, "error", exit_status=1)
    terminals.create(operator, "db1")
    recorder = recordings.begin(
        kind="command", user=operator, server=server, text="df -h"
    )
    recorder.finish()
    return recorder.recording


def desk(user):
    client = Client()
    client.force_login(user)
    return client


def staff(*rights):
    return allow(factories.user("staff@example.com", urole="admin"), *rights)


def lists(client):
    return [client.get(reverse(f"admin:sshops_{page}_changelist")) for page in PAGES]


def test_who_may_reads_them(past):
    client = desk(staff("view_audit", "supervise_terminals"))

    log, played, opened = lists(client)

    assert {page.status_code for page in (log, played, opened)} == {200}
    assert "df -h" in log.content.decode()
    assert "error" in log.content.decode()
    assert f"/sshops/#recordings={past.pk}" in played.content.decode()
    assert "db1" in opened.content.decode()
    one = client.get(reverse("admin:sshops_auditentry_change", args=[1]))
    assert one.status_code == 200


def test_nobody_else_does(past):
    assert [page.status_code for page in lists(desk(staff()))] == [403] * 3
    assert [page.status_code for page in lists(Client())] == [302] * 3


def test_nothing_is_changed_there(past, boss):
    client = desk(boss)
    for page in PAGES:
        assert client.get(reverse(f"admin:sshops_{page}_add")).status_code == 403
    gone = client.post(
        reverse("admin:sshops_auditentry_delete", args=[1]), {"post": "yes"}
    )
    assert gone.status_code == 403
    assert list(audit.verify()) == []
