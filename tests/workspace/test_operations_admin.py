"""The operators' desk for backups and workflow runs."""

import hashlib
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests import factories
from workspace import tasks, workflows
from workspace.backups import making, sets
from workspace.models import WorkflowRun

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/workspace/backup/"
RUNS = "/admin/workspace/workflowrun/"


@pytest.fixture(autouse=True)
def _folder(tmp_path, settings, monkeypatch):
    settings.WORKSPACE_BACKUP_DIR = tmp_path / "dbBackup"
    monkeypatch.setattr(tasks, "nudge", workflows.execute)  # as a worker does


@pytest.fixture
def desk(client):
    """Return a browser in which somebody is signed in."""

    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


def operator(*codenames):
    """Return an administrator who may do these things and no others."""
    user = factories.user("operator@example.com", urole="admin")
    group = Group.objects.create(name="operators")
    group.permissions.set(Permission.objects.filter(codename__in=codenames))
    user.groups.add(group)
    return user


def test_a_backup_is_made_and_proven_from_the_desk(desk, boss):
    browser = desk(boss)
    assert "No backup has been proven yet." in browser.get(LIST).content.decode()

    made = browser.post(f"{RUNS}start/backup/")
    proven = browser.post(f"{RUNS}start/backup_check/")

    runs = WorkflowRun.objects.order_by("queued_at")
    assert [run.status for run in runs] == ["succeeded", "succeeded"]
    assert [run.asked_by for run in runs] == [boss.email, boss.email]
    assert made.url == f"{RUNS}{runs[0].pk}/change/"
    page = browser.get(proven.url).content.decode()
    assert "Restore it into a scratch database and compare" in page
    page = browser.get(LIST).content.decode()
    assert "A backup was last proven on" in page
    assert 'data-proof="fresh"' in page


@pytest.mark.parametrize(("days", "is_red"), [(7, False), (9, True)])
def test_an_old_proof_is_red(desk, boss, days, is_red):
    one = making.make()
    moment = timezone.now() - timedelta(days=days)
    sets.write_manifest(one, {**one.manifest, "proven_at": moment.isoformat()})

    page = desk(boss).get(LIST).content.decode()

    assert ('data-proof="stale"' in page) is is_red


def test_who_may_downloads_and_it_is_written_down(desk):
    one = making.make()
    browser = desk(operator("view_backup", "download_backup"))
    assert f"{LIST}{one.name}/dump/download/" in browser.get(LIST).content.decode()

    sent = browser.get(f"{LIST}{one.name}/dump/download/")

    content = b"".join(sent.streaming_content)
    assert hashlib.sha256(content).hexdigest() == one.manifest["dump"]["sha256"]
    assert one.file in sent["Content-Disposition"]
    assert one.file in LogEntry.objects.get().change_message


def test_who_may_look_does_not_download(desk):
    one = making.make()
    browser = desk(operator("view_backup"))

    page = browser.get(LIST).content.decode()
    sent = browser.get(f"{LIST}{one.name}/dump/download/")

    assert one.name in page
    assert "/download/" not in page
    assert sent.status_code == 403


@pytest.mark.parametrize("path", ["x/dump", "{name}/manifest", "..%2F..%2Fetc/dump"])
def test_nothing_but_backups_is_sent(desk, boss, path):
    one = making.make()

    sent = desk(boss).get(f"{LIST}{path.format(name=one.name)}/download/")

    assert sent.status_code in (302, 404)  # the admin knows no such path
    assert not sent.streaming


@pytest.mark.parametrize("path", [LIST, RUNS, f"{LIST}x/dump/download/"])
def test_strangers_see_nothing(desk, client, outsider, path):
    assert client.get(path).status_code == 302

    assert desk(outsider).get(path).status_code == 302


def test_starting_takes_a_permission_and_a_form(desk, client, outsider):
    browser = desk(operator("view_workflowrun"))
    assert "start/backup/" not in browser.get(RUNS).content.decode()
    assert browser.post(f"{RUNS}start/backup/").status_code == 403

    assert desk(outsider).post(f"{RUNS}start/backup/").status_code == 302

    assert not WorkflowRun.objects.exists()


def test_a_link_starts_nothing(desk, boss):
    assert desk(boss).get(f"{RUNS}start/backup/").status_code == 405
    assert desk(boss).post(f"{RUNS}start/format_disk/").status_code == 404

    assert not WorkflowRun.objects.exists()


def test_the_steps_are_shown_while_a_run_goes_on(desk, boss, monkeypatch):
    seen = []

    def slow(run, progress):
        progress(1, 4, "a table")
        seen.append(desk(boss).get(f"{RUNS}{run.pk}/steps/").content.decode())

    monkeypatch.setitem(workflows.WORKFLOWS, "slow", None)
    workflows.define("slow", "Slow", [slow])
    run = WorkflowRun.objects.create(name="slow")
    workflows.execute(run.pk)
    after = desk(boss).get(f"{RUNS}{run.pk}/steps/").content.decode()

    assert "25% a table" in seen[0]
    assert 'data-ended="no"' in seen[0]
    assert 'data-ended="yes"' in after


def test_steps_are_for_those_who_may_look(desk, client, outsider):
    run = WorkflowRun.objects.create(name="sweep")
    path = f"{RUNS}{run.pk}/steps/"

    assert client.get(path).status_code == 302
    assert desk(outsider).get(path).status_code == 302
    assert desk(operator()).get(path).status_code == 403


def test_a_run_of_a_workflow_that_is_no_more_can_be_read(desk, boss):
    run = WorkflowRun.objects.create(name="older", status="failed", error="gone")

    page = desk(boss).get(f"{RUNS}{run.pk}/change/").content.decode()

    assert "older" in page
    assert "gone" in page


def test_runs_and_backups_cannot_be_changed(desk, boss):
    run = WorkflowRun.objects.create(name="sweep", status="failed")
    one = making.make()

    for path in (f"{RUNS}{run.pk}/delete/", f"{LIST}{one.name}/delete/", f"{RUNS}add/"):
        assert desk(boss).post(path, {"post": "yes"}).status_code == 403
