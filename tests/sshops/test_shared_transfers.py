"""Shared files to a real sshd and back: what arrives, what breaks off, who may."""

import hashlib
import os
import signal
import uuid

import pytest
from django.core.files.base import ContentFile

from config import shared_files
from config.errors import NotFound
from sshops import shared_transfers, shared_work, transfer_runs, transfers
from sshops.errors import UnknownServer
from sshops.models import AuditEntry, TransferRun
from tests import factories
from tests.sshops.working import parts, under_way, wait_until
from workspace import files
from workspace.models import PartialUpload, Piece, Role, Upload

pytestmark = pytest.mark.django_db(transaction=True)


def shared(owner, content, name="a 한글.bin"):
    return files.accept(owner=owner, content=ContentFile(content), name=name)


def kept(upload):
    return b"".join(files.pieces(upload, 0, upload.size))


def worked_on(run):
    transfer_runs.run(run.pk)
    run.refresh_from_db()
    return run


# Sending


def test_a_shared_file_is_sent(caller, server, shelf, there):
    content = os.urandom(3_000_000)
    upload = shared(caller.user, content)

    run = worked_on(
        shared_transfers.send(caller, server.name, upload.filename, f"{there}/")
    )

    assert (run.state, run.bytes_done, run.bytes_total) == (
        *("complete", 3_000_000, 3_000_000),
    )
    assert (there / "a 한글.bin").read_bytes() == content
    assert (there / "a 한글.bin").stat().st_mode & 0o777 == 0o644
    assert run.files.get().sha256 == hashlib.sha256(content).hexdigest()
    entry = AuditEntry.objects.begun().get()
    assert entry.text == f"send: workspace:a 한글.bin -> {server.name}:{there}/"
    assert (entry.server_name, entry.end.outcome) == (server.name, "complete")


def test_it_may_get_another_name_and_new_folders(caller, server, disk, there):
    upload = shared(caller.user, b"")

    run = shared_transfers.send(
        caller, server.name, upload.filename, f"{there}/new/b.bin"
    )

    assert worked_on(run).state == "complete"
    assert (there / "new/b.bin").read_bytes() == b""


def test_a_line_that_breaks_while_sending(caller, make_sshd, disk, there, working):
    content = os.urandom(6_000_000)
    sshd = make_sshd()
    upload = shared(caller.user, content)
    run = shared_transfers.send(
        *(caller, factories.server(sshd).name, upload.filename, f"{there}/b"),
        rate_limit=2_000_000,
    )
    thread = working(run)
    under_way(there, 1_000_000)

    sshd.stop()
    sshd.start()

    thread.join(30)
    run.refresh_from_db()
    assert run.state == "complete"
    assert (there / "b").read_bytes() == content
    assert parts(there) == []


def test_a_shared_file_that_is_gone(caller, server, disk, there):
    upload = shared(caller.user, b"x")
    run = shared_transfers.send(caller, server.name, upload.filename, f"{there}/")
    files.remove(upload, by=caller.user)

    assert (worked_on(run).state, run.error_code) == ("error", 24000)


def test_shared_files_that_are_away(caller, server, nowhere, there, monkeypatch):
    monkeypatch.setattr("sshops.transfer_work.TRIES", 1)
    upload = Upload.objects.create(
        owner=caller.user,
        original_filename="a",
        size=5,
        filename=f"{uuid.uuid4()}",
        folder="files",
    )
    run = shared_transfers.send(caller, server.name, upload.filename, f"{there}/")

    assert (worked_on(run).state, run.error_code) == ("error", 24000)
    assert "please try again soon" in run.error


# Fetching


def test_a_file_is_fetched(caller, server, shelf, there):
    content = os.urandom(9_000_000)  # three pieces of the shelf's
    (there / "a.png").write_bytes(content)

    run = worked_on(shared_transfers.fetch(caller, server.name, f"{there}/a.png"))

    assert (run.state, run.bytes_done, run.files_done) == ("complete", 9_000_000, 1)
    upload = Upload.objects.get()
    assert (upload.filename, upload.owner) == (run.shared_file, caller.user)
    assert (upload.original_filename, upload.folder) == ("a.png", "images")
    assert kept(upload) == content
    assert run.files.get().sha256 == hashlib.sha256(content).hexdigest()
    assert not Piece.objects.exists()
    assert AuditEntry.objects.begun().get().text == (
        f"fetch: {server.name}:{there}/a.png -> workspace:a.png"
    )


def test_an_empty_file_under_another_name(caller, server, disk, there):
    (there / "a").touch()

    run = shared_transfers.fetch(caller, server.name, f"{there}/a", name="b/../c.txt")

    assert worked_on(run).state == "complete"
    assert Upload.objects.get().original_filename == "c.txt"


def test_a_line_that_breaks_while_fetching(caller, make_sshd, disk, there, working):
    content = os.urandom(12_000_000)
    (there / "a").write_bytes(content)
    sshd = make_sshd()
    run = shared_transfers.fetch(
        *(caller, factories.server(sshd).name, f"{there}/a"), rate_limit=4_000_000
    )
    thread = working(run)
    wait_until(Piece.objects.exists)
    first = Piece.objects.first()

    sshd.stop()
    sshd.start()

    thread.join(30)
    run.refresh_from_db()
    assert run.state == "complete"
    assert kept(Upload.objects.get()) == content
    assert PartialUpload.objects.get().created_at < first.partial.touched_at


def test_what_came_of_another_state_of_the_file_is_dropped(caller, server, disk, there):
    content = os.urandom(5_000_000)
    (there / "a").write_bytes(content)
    run = shared_transfers.fetch(caller, server.name, f"{there}/a")
    arrival = shared_files.keeper().begin(
        caller.user, id=run.pk, name="a", size=len(content)
    )
    other = [b"not what is there"]
    arrival.add(lambda _size: other.pop() if other else b"")

    assert worked_on(run).state == "complete"
    assert kept(Upload.objects.get()) == content


def test_sending_that_is_cancelled_leaves_no_file(caller, server, disk, there, working):
    upload = shared(caller.user, os.urandom(9_000_000))
    run = shared_transfers.send(
        *(caller, server.name, upload.filename, f"{there}/b"), rate_limit=3_000_000
    )
    thread = working(run)
    under_way(there)

    transfers.cancel(run.pk)

    thread.join(10)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not any(there.iterdir())


def test_a_run_that_is_cancelled_leaves_no_file(caller, server, disk, there, working):
    (there / "a").write_bytes(os.urandom(9_000_000))
    run = shared_transfers.fetch(
        caller, server.name, f"{there}/a", rate_limit=3_000_000
    )
    thread = working(run)
    wait_until(Piece.objects.exists)

    transfers.cancel(run.pk)

    thread.join(10)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not PartialUpload.objects.exists()
    assert not Upload.objects.exists()
    assert not [path for path in disk.rglob("*") if path.is_file()]


@pytest.mark.parametrize("path", ["none", "", "pipe"])
def test_what_cannot_be_fetched(caller, server, disk, there, path):
    os.mkfifo(there / "pipe")
    run = shared_transfers.fetch(caller, server.name, f"{there}/{path}", name="x")

    assert (worked_on(run).state, run.error_code) == ("error", 24000)


def test_a_file_that_is_too_large(caller, server, disk, there, settings):
    settings.WORKSPACE_RESUMABLE_MAX_BYTES = 3
    (there / "a").write_text("four")
    run = worked_on(shared_transfers.fetch(caller, server.name, f"{there}/a"))

    assert (run.state, run.error) == (
        *("error", "The transfer failed. The file is too large."),
    )


@pytest.mark.parametrize("kind", ["send", "fetch"])
def test_a_worker_that_is_killed_is_followed_by_another(
    caller, server, there, worker, monkeypatch, kind
):
    content = os.urandom(20_000_000)
    if kind == "send":
        upload = shared(caller.user, content)
        run = shared_transfers.send(
            *(caller, server.name, upload.filename, f"{there}/b"),
            rate_limit=5_000_000,
        )
    else:
        (there / "a").write_bytes(content)
        run = shared_transfers.fetch(
            caller, server.name, f"{there}/a", rate_limit=5_000_000
        )
    process = worker(run)
    if kind == "send":
        under_way(there, 6_000_000)
    else:
        wait_until(lambda: Piece.objects.count() == 2)

    process.send_signal(signal.SIGKILL)
    process.wait(10)

    TransferRun.objects.update(rate_limit=None)
    monkeypatch.setattr(transfers, "LOST_SECONDS", 0.5)
    wait_until(lambda: transfers.unattended() == [run.pk])
    begun_at = []
    pipe = shared_work.Pipe
    monkeypatch.setattr(
        *(pipe, "run"),
        lambda self, *paths, offset, size, run=pipe.run: (
            begun_at.append(offset) or run(self, *paths, offset=offset, size=size)
        ),
    )
    worked_on(run)

    assert (run.state, run.attempt) == ("complete", 2)
    assert begun_at[0] >= 6_000_000
    assert run.files.get().sha256 == hashlib.sha256(content).hexdigest()
    if kind == "send":
        assert (there / "b").read_bytes() == content
    else:
        upload = Upload.objects.get()
        assert kept(upload) == content
    files.remove(upload, by=caller.user)


# Who may


def test_servers_of_others_are_not_there(caller, server, disk):
    upload = shared(caller.user, b"x")
    server.allowed_users.add(factories.user())

    for ask in (
        lambda: shared_transfers.send(caller, server.name, upload.filename, "/tmp/"),
        lambda: shared_transfers.fetch(caller, server.name, "/tmp/a"),
    ):
        with pytest.raises(UnknownServer):
            ask()
    assert not TransferRun.objects.exists()


def test_files_that_are_not_shared_are_not_there(caller, server):
    for id in ("", "../../etc/passwd", str(uuid.uuid4())):
        with pytest.raises(NotFound):
            shared_transfers.send(caller, server.name, id, "/tmp/")


def test_viewers_add_no_files(caller, server, disk, there):
    (there / "a").write_text("x")
    run = shared_transfers.fetch(caller, server.name, f"{there}/a")
    caller.user.urole = Role.VIEWER
    caller.user.save()

    with pytest.raises(files.ViewersOnlyLook):
        shared_transfers.fetch(caller, server.name, f"{there}/a")
    assert worked_on(run).state == "error"  # and not if they become one meanwhile
    assert not Upload.objects.exists()
