"""What a restore guarantees, on a server of its own with clients at work."""

import hashlib
import json
import re
import shutil

import httpx
import pytest

from tests import cluster
from tests.clients import Load, get, header, is_away, stored, wait_until
from tests.cluster import EMAIL, PASSWORD
from workspace.backups.dumps import Contents
from workspace.backups.restoring import Plan
from workspace.backups.sets import BackupSet

# Servers of its own are started, which takes long on a busy machine.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(postgres):
    return postgres.where.data / "dbBackup"


@pytest.fixture(scope="module")
def manage(environ, valkey):
    """Run a command of manage.py; return how it ended."""
    with cluster.desk(environ) as run:
        yield run


@pytest.fixture
def backup(manage, folder):
    """Make a backup and return its dump's path."""

    def make(*words):
        made = manage("backup", *words)
        assert made.returncode == 0, made.stderr
        return folder / made.stdout.splitlines()[0].rpartition("/")[2]

    return make


@pytest.fixture(scope="module")
def server(postgres, environ, valkey):
    with cluster.served(environ, postgres.where.data / "restore.log") as server:
        yield server


def names_of(postgres):
    return {name for (name,) in postgres.query("SELECT uname FROM workspace_user")}


def test_everything_comes_back_and_what_was_is_a_backup(
    postgres, manage, backup, server, folder
):
    """(2) a copy first, (4) others are kept out, (6) who exists stays signed in."""
    headers = header(server, EMAIL, PASSWORD)
    # The clients of other modules book the same hours.
    postgres.query("TRUNCATE charging_reservation CASCADE")
    postgres.query("UPDATE workspace_user SET uname = 'before'")
    dump = backup()
    postgres.query("CREATE TABLE not_in_the_dump (id uuid REFERENCES workspace_user)")
    postgres.query("UPDATE workspace_user SET uname = 'after'")
    stranger = {
        "uemail": "new@example.com",
        "upassword": "correct horse battery",
    }
    made = httpx.post(f"{server.url}/workspace/users/", json=stranger, headers=headers)
    assert made.status_code == 200, made.text
    theirs = header(server, "new@example.com", "correct horse battery")

    with Load([server], headers, clients=4) as load:
        wait_until(lambda: len(load.acknowledged()) > 20)
        restored = manage("restore", dump.name, "--noinput")
        wait_until(lambda: not is_away(server))
        count = len(load.acknowledged())
        wait_until(lambda: len(load.acknowledged()) > count + 5)

    assert restored.returncode == 0, restored.stderr
    assert names_of(postgres) == {"before"}
    assert postgres.query("SELECT to_regclass('not_in_the_dump')") == [(None,)]
    kinds = [answer.status_code for *_, answer in load.answers]
    assert set(kinds) == {201, 503}
    assert get(server, "/workspace/users/me", headers).json()["uname"] == "before"
    assert get(server, "/workspace/users/me", theirs).status_code == 401

    # The state before is whole: all that was acknowledged until the doors closed.
    closed = min(at for at, _, answer in load.answers if answer.status_code == 503)
    until_then = {
        answer.json()["id"]
        for began, seconds, answer in load.answers
        if answer.status_code == 201 and began + seconds < closed
    }
    before = re.search(r"The state before is the backup (\S+)\.", restored.stdout)[1]
    again = manage("restore", before, "--noinput")
    assert again.returncode == 0, again.stderr
    assert not until_then - stored(postgres)
    assert names_of(postgres) >= {"after"}
    postgres.query("DROP TABLE not_in_the_dump")


def test_a_restore_that_breaks_leaves_everything(postgres, manage, backup, folder):
    """(3) all or nothing: the file is cut, although its checksum says otherwise."""
    postgres.query(
        "CREATE TABLE filler AS SELECT n, md5(n::text) FROM generate_series(1, 50000) n"
    )
    dump = backup("cut.dump")
    content = dump.read_bytes()
    dump.write_bytes(content[: len(content) * 2 // 3])
    manifest = folder / "cut.dump.json"
    told = json.loads(manifest.read_text())
    told["dump"]["sha256"] = hashlib.sha256(dump.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(told))
    postgres.query("UPDATE workspace_user SET uname = 'untouched'")

    ended = manage("restore", "cut.dump", "--noinput")

    assert ended.returncode == 1
    assert "pg_restore" in ended.stderr or "psql" in ended.stderr
    assert names_of(postgres) == {"untouched"}
    assert postgres.query("SELECT count(*) FROM filler") == [(50000,)]
    postgres.query("DROP TABLE filler")
    for path in folder.glob("cut.dump*"):
        path.unlink()


def test_a_damaged_file_is_refused_before_anything_is_touched(
    postgres, manage, backup, folder
):
    """(1) checked whole."""
    dump = backup("damaged.dump")
    content = bytearray(dump.read_bytes())
    content[-100] ^= 1
    dump.write_bytes(content)
    present = sorted(folder.iterdir())

    ended = manage("restore", "damaged.dump", "--noinput")
    looked = manage("restore", "damaged.dump", "--dry-run")

    assert ended.returncode == 1
    assert "its checksum differs" in ended.stderr
    assert looked.returncode == 0
    assert "its checksum differs" in looked.stdout
    assert sorted(folder.iterdir()) == present  # not even a copy was made
    for path in folder.glob("damaged.dump*"):
        path.unlink()


def test_what_is_no_dump_is_refused(manage, folder):
    folder.mkdir(exist_ok=True)
    (folder / "notes.dump").write_text("nothing of PostgreSQL's")

    ended = manage("restore", "notes.dump", "--noinput", "--force")

    assert ended.returncode == 1
    assert "cannot be read" in ended.stderr
    (folder / "notes.dump").unlink()


def test_uploaded_files_come_back_and_missing_ones_are_told(
    postgres, manage, backup, server
):
    """(7) bytes belong to the set."""
    headers = header(server, EMAIL, PASSWORD)

    def upload(name):
        answer = httpx.post(
            f"{server.url}/workspace/api/upload",
            files={"file": (name, name.encode())},
            headers=headers,
            timeout=20,
        )
        return answer.json()["path"]

    kept, lost = upload("kept.txt"), upload("lost.txt")
    (postgres.where.data / lost).unlink()
    dump = backup()
    removed = kept.rpartition("/")[2]
    httpx.delete(f"{server.url}/workspace/api/files/{removed}", headers=headers)
    assert not (postgres.where.data / kept).exists()

    ended = manage("restore", dump.name, "--noinput")

    assert ended.returncode == 0, ended.stderr
    assert f"The bytes of {lost.partition('/')[2]} are missing." in ended.stdout
    wait_until(lambda: not is_away(server))
    assert get(server, f"/workspace/{kept}", headers).content == b"kept.txt"


def test_migrations_the_dump_lacks_are_applied(postgres, manage, backup):
    """(5) an older dump is brought up to date."""
    assert manage("migrate", "workspace", "0002").returncode == 0
    dump = dump_of_old(postgres)
    assert manage("migrate").returncode == 0

    looked = manage("restore", dump, "--dry-run")
    ended = manage("restore", dump, "--noinput", "--force")

    assert "workspace.0007_workflows_and_backups" in looked.stdout
    assert ended.returncode == 0, ended.stderr
    assert postgres.query("SELECT count(*) FROM workspace_workflowrun") == [(0,)]


def dump_of_old(postgres):
    """Make a dump as pg_dump itself does; today's code has a table too many for it."""
    folder = postgres.where.data / "dbBackup"
    folder.mkdir(exist_ok=True)
    cluster.run_program(postgres, "pg_dump", "-Fc", "-f", folder / "old.dump")
    return "old.dump"


def test_a_dump_of_newer_code_needs_force(postgres, manage, backup):
    """(5) code that does not know the tables is not set onto them unasked."""
    postgres.query(
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('workspace', '9999_of_the_future', now())"
    )
    dump = backup()
    postgres.query("DELETE FROM django_migrations WHERE name = '9999_of_the_future'")
    postgres.query("UPDATE workspace_user SET uname = 'present'")

    refused = manage("restore", dump.name, "--noinput")
    assert refused.returncode == 1
    assert "workspace.9999_of_the_future" in refused.stderr
    assert names_of(postgres) == {"present"}

    forced = manage("restore", dump.name, "--noinput", "--force")
    assert forced.returncode == 0, forced.stderr
    postgres.query("DELETE FROM django_migrations WHERE name = '9999_of_the_future'")


def test_another_postgresql_needs_force():
    contents = Contents("17.6", frozenset())

    plan = Plan(BackupSet("x.dump"), contents, 18, None, newer=[], older=[])

    assert plan.objections == ["The dump is of PostgreSQL 17, the server is 18."]


def test_caches_and_outbox_are_dropped(postgres, manage, backup, valkey, environ):
    """(6) they belong to a database that is no more."""
    dump = backup()
    valkey.set("madang:1:anything", 1)
    valkey.set("roadblock:last-positions", 1)
    valkey.rpush("madang:outbox", "[]")
    valkey.rpush("celery", "a task")
    spool = postgres.where.data / "outbox"
    spool.mkdir(exist_ok=True)
    (spool / "1.json").write_text("[]")

    assert manage("restore", dump.name, "--noinput").returncode == 0

    assert not list(spool.glob("*.json"))
    assert b"celery" in valkey.keys()  # noqa: SIM118
    assert not valkey.exists("madang:1:anything", "roadblock:last-positions")
    assert not valkey.exists("madang:outbox", "madang:database-closed")


def test_nobody_is_asked_where_nobody_answers(manage, backup, postgres):
    dump = backup()
    postgres.query("UPDATE workspace_user SET uname = 'stays'")

    ended = manage("restore", dump.name)

    assert ended.returncode == 1
    assert "--noinput" in ended.stderr
    assert names_of(postgres) == {"stays"}


def test_a_dry_run_tells_and_changes_nothing(manage, backup, folder):
    dump = backup()
    present = sorted(folder.iterdir())

    looked = manage("restore", f"dbBackup/{dump.name}", "--dry-run")

    assert looked.returncode == 0, looked.stderr
    assert f"{dump.stat().st_size:,} bytes" in looked.stdout
    assert "checksum    as it was made" in looked.stdout
    assert "pg_restore --clean --if-exists" in looked.stdout
    assert "applied after: none" in looked.stdout
    assert sorted(folder.iterdir()) == present


def test_without_a_backup_there_is_nothing_to_restore(manage, folder):
    shutil.rmtree(folder, ignore_errors=True)

    ended = manage("restore", "--noinput")

    assert ended.returncode == 1
    assert "no complete backup" in ended.stderr
