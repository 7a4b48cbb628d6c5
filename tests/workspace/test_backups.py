"""Backup sets of the tests' own database: made, found, proven, kept and sealed."""

import json
import os
import re
import tarfile
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from botocore.exceptions import BotoCoreError
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests import factories, stores
from tests.stores import s3_server
from workspace import routines, workflows
from workspace.backups import (
    dumps,
    fingerprints,
    making,
    proving,
    sealing,
    sets,
    stock,
)
from workspace.models import Backup, WorkflowRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.WORKSPACE_BACKUP_DIR = tmp_path / "dbBackup"
    return settings.WORKSPACE_BACKUP_DIR


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_a_set_of_one_stamp(folder, capsys):
    factories.user()

    call_command("backup")

    dump, manifest, uploads = names(folder)
    assert re.fullmatch(r"full_backup_\d{4}-\d\d-\d\d_\d{6}\.dump", dump)
    assert manifest == dump.replace(".dump", ".json")
    assert uploads == dump.replace(".dump", ".uploads.tar")
    row = Backup.objects.get()
    assert row.outcome == "complete"
    assert row.file == dump
    assert row.size == sum((folder / name).stat().st_size for name in (dump, uploads))
    assert row.sha256 in capsys.readouterr().out
    assert row.started_at < row.finished_at <= timezone.now()
    told = json.loads((folder / manifest).read_text())
    assert told["tables"]["workspace_user"][0] == 1


def test_only_we_may_read_a_backup(folder):
    making.make()

    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_a_dump_holds_no_roles_and_no_grants(folder):
    one = making.make()

    script = dumps._output([dumps.program("pg_restore"), "--file=-", one.dump])

    assert "GRANT" not in script
    assert "CREATE ROLE" not in script


def test_a_file_may_be_named_and_is_never_overwritten(folder):
    call_command("backup", "before_upgrade.dump")
    content = (folder / "before_upgrade.dump").read_bytes()

    with pytest.raises(CommandError, match="never overwritten"):
        call_command("backup", "before_upgrade.dump")

    assert (folder / "before_upgrade.dump").read_bytes() == content


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "a/b", "", ".hidden", "x.json", "x\n", "é", "x" * 81]
)
def test_a_name_is_a_name_alone(folder, name):
    with pytest.raises(CommandError):
        call_command("backup", name)

    assert not folder.exists() or names(folder) == []


def test_the_password_is_seen_by_nobody(folder, monkeypatch, tmp_path):
    """The programs are told it by their environment, not by their words."""
    monkeypatch.setitem(
        dumps.connections["default"].settings_dict, "PASSWORD", "quite secret"
    )
    words = tmp_path / "words"
    real = dumps.program("pg_dump")
    spy = tmp_path / "pg_dump"
    spy.write_text(f'#!/bin/sh\necho "$@ / $PGPASSWORD" >> {words}\nexec {real} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setattr(dumps, "program", lambda name: str(spy))

    making.make()

    (line,) = words.read_text().splitlines()
    told, password = line.split(" / ")
    assert password == "quite secret"
    assert "secret" not in told


def test_what_is_written_meanwhile_is_in_neither(folder, monkeypatch):
    """Dump and fingerprint are of one moment."""
    factories.user()
    of_database = fingerprints.of_database

    def slow(connection):
        factories.user("late@example.com")
        return of_database(connection)

    monkeypatch.setattr(fingerprints, "of_database", slow)
    one = making.make()
    monkeypatch.undo()

    assert one.tables["workspace_user"][0] == 1


def test_a_failure_is_noted_told_and_leaves_nothing(folder, monkeypatch, caplog):
    monkeypatch.setattr(dumps, "program", lambda name: "/bin/false")

    with pytest.raises(CommandError, match="false"):
        call_command("backup")

    row = Backup.objects.get()
    assert row.outcome == "failed"
    assert "false" in row.error
    assert f"The backup {row.name} failed" in caplog.text
    assert names(folder) == []


def test_a_half_made_backup_is_none(folder):
    (folder / "..").resolve().mkdir(exist_ok=True)
    folder.mkdir()
    (folder / "full_backup_2031-01-01_000000.dump.partial").write_bytes(b"half")
    (folder / "full_backup_2031-01-01_000000.json").write_text(
        json.dumps({"dump": {"file": "full_backup_2031-01-01_000000.dump"}})
    )

    assert sets.listed() == []
    with pytest.raises(sets.BackupError, match="no complete backup"):
        sets.newest()


def test_the_newest_is_so_by_its_name(folder):
    first = making.make()
    making.make("zzz.dump")
    os.utime(first.dump)  # its file's time tells nothing

    assert sets.newest() == first


@pytest.mark.parametrize("form", ["{0}", "dbBackup/{0}", "{1}/{0}"])
def test_a_backup_is_found_with_and_without_its_folder(folder, form):
    one = making.make()

    assert sets.find(form.format(one.file, folder)) == one
    assert sets.find(one.name) == one


def test_only_the_newest_are_kept(folder, settings, monkeypatch):
    settings.WORKSPACE_BACKUP_KEEP = 2
    moments = [datetime(2031, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    for moment in moments:
        with monkeypatch.context() as patched:
            patched.setattr(making.timezone, "now", lambda moment=moment: moment)
            making.make()
    making.make("kept.dump")

    removed = making.tidy()

    assert removed == ["full_backup_2031-01-01_000000"]
    assert [one.name for one in sets.listed()] == [
        "full_backup_2031-01-03_000000",
        "full_backup_2031-01-02_000000",
        "kept.dump",
    ]
    assert Backup.objects.count() == 3


def test_rows_follow_the_files(folder):
    one = making.make()
    Backup.objects.all().delete()

    stock.take_stock()
    assert Backup.objects.get().sha256 == one.manifest["dump"]["sha256"]

    one.dump.unlink()
    stock.take_stock()
    assert not Backup.objects.exists()


def test_uploaded_files_are_in_the_set(folder, settings, tmp_path):
    stores.use(settings, "uploads", "Disk", location=tmp_path / "uploads")
    storages["uploads"].save("images/a.png", ContentFile(b"picture"))

    one = making.make()

    assert one.manifest["uploads"]["count"] == 1
    with tarfile.open(one.uploads) as archive:
        assert archive.extractfile("uploads/images/a.png").read() == b"picture"


# Elsewhere

disk, bucket, nowhere, shelf = stores.fixtures("backups")
__all__ = ["s3_server"]


def test_a_set_is_copied_elsewhere_and_fetched_when_it_is_needed(folder, bucket):
    factories.user()
    one = making.make()
    assert Backup.objects.get().is_elsewhere
    assert sorted(item.key for item in bucket.objects.all()) == names(folder)
    for path in one.paths:
        path.unlink()  # the disk is another one

    fetched = sets.find(one.file)

    assert proving.prove(fetched)["backup"] == one.name


def test_what_is_removed_is_removed_elsewhere_too(folder, bucket, settings):
    settings.WORKSPACE_BACKUP_KEEP = 0
    making.make()

    making.tidy()

    assert list(bucket.objects.all()) == []
    assert names(folder) == []


def test_a_bucket_that_is_away_fails_loudly(folder, nowhere):
    with pytest.raises(BotoCoreError):
        making.make()

    assert len(sets.listed()) == 1  # what is here stays


# Proof


def test_a_proof_restores_and_compares(folder):
    factories.user()
    one = making.make()

    verdict = proving.prove(one)

    assert verdict["tables"] == len(one.tables)
    assert verdict["rows"] == sum(rows for rows, _sum in one.tables.values())
    row = Backup.objects.get()
    assert timezone.now() - row.proven_at < timedelta(minutes=1)
    assert row.flaw == ""
    with psycopg.connect(**dumps.parameters()) as connection:
        databases = connection.execute("SELECT datname FROM pg_database").fetchall()
    assert not [name for (name,) in databases if "_proof_" in name]


def test_a_changed_byte_is_found(folder):
    one = making.make()
    content = bytearray(one.dump.read_bytes())
    content[len(content) // 2] ^= 1
    one.dump.write_bytes(content)

    with pytest.raises(sets.BackupError, match="checksum"):
        proving.prove(one)

    assert "checksum" in Backup.objects.get().flaw
    assert Backup.objects.get().proven_at is None


def test_a_row_that_differs_is_found(folder):
    """Checksums of files agree, but the dump does not hold what was there."""
    factories.user()
    one = making.make()
    rows, checksum = one.tables["workspace_user"]
    tables = {**one.tables, "workspace_user": [rows, str(int(checksum) + 1)]}
    sets.write_manifest(one, {**one.manifest, "tables": tables})

    with pytest.raises(sets.BackupError, match="workspace_user has other rows"):
        proving.prove(sets.newest())


def test_differences_are_told():
    assert fingerprints.differences(
        {"a": [1, "5"], "b": [2, "7"], "c": [3, "9"]},
        {"a": [1, "5"], "b": [1, "2"], "d": [0, "0"]},
    ) == ["b has 1 rows, not 2", "c is missing", "d is too much"]


# Sealed


def test_a_sealed_backup_is_proven_with_its_key_alone(folder, settings):
    settings.WORKSPACE_BACKUP_KEY = "a long sentence"
    factories.user("sealed@example.com")

    one = making.make()

    assert one.file.endswith(".dump.sealed")
    assert not one.dump.read_bytes().startswith(b"PGDMP")
    assert Backup.objects.get().is_encrypted
    assert proving.prove(one)["rows"] > 0
    settings.WORKSPACE_BACKUP_KEY = "another"
    with pytest.raises(sets.BackupError, match="does not open"):
        proving.prove(one)
    settings.WORKSPACE_BACKUP_KEY = ""
    with pytest.raises(sets.BackupError, match="WORKSPACE_BACKUP_KEY"):
        proving.prove(one)


@pytest.mark.parametrize("size", [0, 1, sealing.PIECE, sealing.PIECE * 2 + 5])
def test_sealing_and_back(tmp_path, size):
    content = os.urandom(size)
    paths = [tmp_path / name for name in ("plain", "sealed", "again")]
    paths[0].write_bytes(content)

    with open(paths[0], "rb") as source, open(paths[1], "wb") as target:
        sealing.seal(source, target, "key")
    with open(paths[1], "rb") as source, open(paths[2], "wb") as target:
        sealing.unseal(source, target, "key")

    assert paths[2].read_bytes() == content
    assert len(paths[1].read_bytes()) > size


@pytest.mark.parametrize("size", [-1, 31 + 16 + (1 << 20)])
def test_a_sealed_file_cannot_be_cut(tmp_path, size):
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(os.urandom(sealing.PIECE * 2))
    with open(plain, "rb") as source, open(sealed, "wb") as target:
        sealing.seal(source, target, "key")
    sealed.write_bytes(sealed.read_bytes()[:size])

    with (
        open(sealed, "rb") as source,
        open(plain, "wb") as target,
        pytest.raises(sealing.WrongKey),
    ):
        sealing.unseal(source, target, "key")


# Workflows


def ran(name):
    run = WorkflowRun.objects.create(name=name)
    workflows.execute(run.pk)
    run.refresh_from_db()
    return run


def test_backup_and_check_as_workflows(folder):
    made, checked = ran("backup"), ran("backup_check")

    assert made.status == "succeeded", made.error
    assert checked.status == "succeeded", checked.error
    assert checked.result["backup"] == made.result["backup"]
    assert Backup.objects.get().proven_at is not None


def test_a_backup_goes_on_after_a_restart(folder, monkeypatch):
    run = WorkflowRun.objects.create(name="backup")

    def stop(one, progress):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(making, "pack_uploads", stop)
        with pytest.raises(KeyboardInterrupt):
            workflows.execute(run.pk)
    dumped = dumps.make
    monkeypatch.setattr(dumps, "make", lambda *_: pytest.fail("dumped again"))
    workflows.execute(run.pk)
    monkeypatch.setattr(dumps, "make", dumped)

    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    assert proving.prove(sets.newest())


def test_a_failed_backup_workflow_leaves_a_row(folder, monkeypatch):
    monkeypatch.setattr(workflows, "PAUSES", (0,))
    monkeypatch.setattr(dumps, "program", lambda name: "/bin/false")

    run = ran("backup")

    assert run.status == "failed"
    assert run.step("dump")["attempts"] == 2
    assert Backup.objects.get().outcome == "failed"
    assert names(folder) == []


def test_every_workflow_has_a_name_for_people():
    assert set(routines.NAMES) == {"backup", "backup_check", "sweep", "outbox_flush"}
    for name in routines.NAMES:
        assert workflows.title_of(name) != name
