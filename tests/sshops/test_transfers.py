"""Transfers between two real sshds: what is copied, what breaks off, who may."""

import hashlib
import os
import signal
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from sshops import leases, tasks, transfer_runs, transfer_work, transfers
from sshops.commands import Busy
from sshops.digests import STEP_BYTES
from sshops.models import AuditEntry, Transfer, TransferRun
from tests import factories
from tests.sshops.working import parts, under_way, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def transfer(sshd, other_sshd, here, there):
    """Return a function that makes a transfer from one sshd to the other."""

    def make(source, target=f"{there}/", **fields):
        one, two = factories.server(sshd), factories.server(other_sshd)
        return Transfer.objects.create(
            name=f"t-{one.pk}",
            source_server=fields.pop("source_server", one),
            source_path=str(source),
            target_server=fields.pop("target_server", two),
            target_path=str(target),
            **fields,
        )

    return make


def asked(caller, transfer):
    return transfers.ask(caller, transfer.name.upper(), in_session=False)


def carried_out(caller, transfer):
    run = asked(caller, transfer)
    transfer_runs.run(run.pk)
    run.refresh_from_db()
    return run


def test_files_that_match_are_copied(caller, transfer, here, there):
    contents = {
        "a b.dat": os.urandom(700_000),
        "한글 [1].dat": b"text",
        "empty.dat": b"",
    }
    for name, content in contents.items():
        (here / name).write_bytes(content)
        os.utime(here / name, (1_600_000_000, 1_600_000_000))
        (here / name).chmod(0o640)
    (here / "other.txt").write_text("no")
    (here / ".hidden.dat").write_text("no")
    (there / "empty.dat").write_text("overwritten")

    run = carried_out(caller, transfer(f"{here}/*.dat"))

    assert (run.state, run.files_total, run.files_done) == ("complete", 3, 3)
    assert run.bytes_done == run.bytes_total == 700_004
    assert {p.name: p.read_bytes() for p in there.iterdir()} == contents
    for path in there.iterdir():
        status = path.stat()
        assert (status.st_mode & 0o777, int(status.st_mtime)) == (0o640, 1_600_000_000)
    digests = {file.target_path: file.sha256 for file in run.files.all()}
    assert digests == {
        str(there / name): hashlib.sha256(content).hexdigest()
        for name, content in contents.items()
    }
    entry = AuditEntry.objects.begun().get(kind="transfer")
    assert (entry.user, entry.last.outcome) == (caller.user.email, "complete")


def test_a_folder_is_copied_with_its_content(caller, transfer, here, there):
    (here / "tree/deep/deeper").mkdir(parents=True)
    (here / "tree/deep/file").write_text("x")
    (here / "tree/hollow").mkdir()
    (here / "tree/link").symlink_to("nothing")

    carried_out(caller, transfer(here / "tree", there))

    found = sorted(str(p.relative_to(there)) for p in there.rglob("*"))
    assert found == [
        "tree",
        "tree/deep",
        "tree/deep/deeper",
        "tree/deep/file",
        "tree/hollow",
    ]


def test_one_file_may_get_another_name(caller, transfer, here, there):
    (here / "a").write_text("x")

    carried_out(caller, transfer(here / "a", there / "new/b"))

    assert (there / "new/b").read_text() == "x"


@pytest.mark.parametrize("pattern", ["*.none", "no-such-file", "no/such/folder/*"])
def test_nothing_matches(caller, transfer, here, pattern):
    run = carried_out(caller, transfer(here / pattern))

    assert (run.state, run.error_code) == ("error", 24000)


def test_no_right_to_read(caller, transfer):
    run = carried_out(caller, transfer("/proc/sys/net/ipv4/route/flush"))

    assert (run.state, run.error_code) == ("error", 24003)


def test_a_server_that_is_not_there(caller, transfer, here):
    (here / "a").write_text("x")
    away = factories.server(port=1)

    run = carried_out(caller, transfer(here / "a", target_server=away))

    assert (run.state, run.error_code) == ("error", 24000)
    assert "[20002]" in run.error


def test_a_rate_is_kept(caller, transfer, here, there):
    (here / "a").write_bytes(os.urandom(1_000_000))
    begun = time.monotonic()

    carried_out(caller, transfer(here / "a", rate_limit=500_000))

    assert time.monotonic() - begun > 1.2
    assert (there / "a").stat().st_size == 1_000_000


def test_a_transfer_takes_too_long(caller, transfer, here, there, settings):
    settings.SSHOPS_TRANSFER_TIMEOUT = 1
    (here / "a").write_bytes(os.urandom(3_000_000))

    run = carried_out(caller, transfer(here / "a", rate_limit=300_000))

    assert (run.state, run.error_code) == ("error", 24004)
    assert not (there / "a").exists()


def test_cancelling(caller, transfer, here, there, working):
    (here / "a").write_bytes(os.urandom(5_000_000))
    run = asked(caller, transfer(here / "a", rate_limit=300_000))
    thread = working(run)
    under_way(there)
    begun = time.monotonic()

    transfers.cancel(run.pk)

    thread.join(10)
    assert time.monotonic() - begun < 5
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not any(there.iterdir())


def test_cancelling_while_the_target_is_away(
    caller, transfer, here, there, make_sshd, working
):
    target = make_sshd()
    (here / "a").write_bytes(os.urandom(5_000_000))
    row = transfer(
        here / "a", target_server=factories.server(target), rate_limit=300_000
    )
    run = asked(caller, row)
    thread = working(run)
    under_way(there)

    target.stop()
    transfers.cancel(run.pk)

    thread.join(30)
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_who_has_lost_a_run_leaves_its_part(caller, transfer, here, there, working):
    (here / "a").write_bytes(os.urandom(5_000_000))
    run = asked(caller, transfer(here / "a", rate_limit=300_000))
    thread = working(run)
    under_way(there)

    TransferRun.objects.update(attempt=2)  # another worker has it

    thread.join(30)
    run.refresh_from_db()
    assert run.state == "running"
    assert parts(there) != []


def test_cancelling_after_the_worker_is_lost(
    caller, transfer, here, there, worker, monkeypatch
):
    (here / "a").write_bytes(os.urandom(5_000_000))
    run = asked(caller, transfer(here / "a", rate_limit=300_000))
    process = worker(run)
    under_way(there)
    process.kill()
    process.wait(10)
    TransferRun.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    assert parts(there) != []
    monkeypatch.setattr(
        tasks.clear_away, "apply_async", lambda args, **how: tasks.clear_away(*args)
    )

    tasks.cancel_transfer(run.pk)

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not any(there.iterdir())


def test_cancelling_before_anybody_works_on_it(caller, transfer, here):
    run = asked(caller, transfer(here))

    transfers.cancel(run.pk)
    transfer_runs.run(run.pk)

    run.refresh_from_db()
    assert (run.state, run.attempt) == ("cancelled", 0)


def test_a_line_that_breaks_is_mended(
    caller, transfer, here, there, make_sshd, working
):
    target = make_sshd()
    content = os.urandom(6_000_000)
    (here / "a").write_bytes(content)
    row = transfer(
        here / "a", target_server=factories.server(target), rate_limit=2_000_000
    )
    run = asked(caller, row)
    thread = working(run)
    under_way(there, 1_000_000)

    target.stop()
    target.start()

    thread.join(30)
    run.refresh_from_db()
    assert run.state == "complete"
    assert (there / "a").read_bytes() == content
    assert parts(there) == []


def test_a_worker_that_is_killed_is_followed_by_another(
    caller, transfer, here, there, worker, monkeypatch
):
    content = os.urandom(8_000_000)
    for name in ("a", "b"):
        (here / name).write_bytes(content)
    run = asked(caller, transfer(f"{here}/*", rate_limit=3_000_000))
    process = worker(run)
    wait_until(lambda: (there / "a").exists())
    first = (there / "a").stat()
    [part] = under_way(there, 1_000_000)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    done = part.stat().st_size
    TransferRun.objects.update(rate_limit=None)

    assert transfers.unattended() == []  # it may still be there
    monkeypatch.setattr(transfers, "LOST_SECONDS", 0.5)
    wait_until(lambda: transfers.unattended() == [run.pk])
    offsets = []
    offset_of = transfer_work.Work.offset_of

    def noted(self, *args):
        offsets.append(offset_of(self, *args))
        return offsets[-1]

    monkeypatch.setattr(transfer_work.Work, "offset_of", noted)
    transfer_runs.run(run.pk)

    run.refresh_from_db()
    assert (run.state, run.attempt, run.files_done) == ("complete", 2, 2)
    assert run.bytes_done == run.bytes_total == 2 * len(content)
    assert offsets[0] >= done > 0
    assert (there / "b").read_bytes() == content
    assert (there / "a").stat().st_mtime_ns == first.st_mtime_ns
    assert (there / "a").stat().st_ino == first.st_ino  # not copied again
    assert parts(there) == []


def test_what_lies_there_under_our_name_is_not_trusted(caller, transfer, here, there):
    (here / "a").write_bytes(b"x" * 1000)
    run = asked(caller, transfer(here / "a"))
    (there / f".a.{run.pk}.part").write_bytes(b"y" * 500)

    transfer_runs.run(run.pk)

    assert (there / "a").read_bytes() == b"x" * 1000


def test_two_workers_do_not_get_the_same_run(caller, transfer, here):
    run = asked(caller, transfer(here))

    assert transfers.claim(run.pk).attempt == 1
    assert transfers.claim(run.pk) is None


@pytest.mark.parametrize("size", [600_000, STEP_BYTES + 3_000_000])
def test_where_no_command_can_be_run_the_files_are_read(
    caller, transfer, here, there, make_sshd, size
):
    strict = make_sshd()
    keys = strict.directory / "authorized_keys"
    keys.write_text(f'command="internal-sftp" {keys.read_text()}')
    content = os.urandom(size)
    (here / "a").write_bytes(content)

    run = carried_out(
        caller, transfer(here / "a", target_server=factories.server(strict))
    )

    assert run.files.get().sha256 == hashlib.sha256(content).hexdigest()
    assert (there / "a").read_bytes() == content


# Who may


def test_a_transfer_needs_a_session(caller, transfer, here):
    row = transfer(here)

    with pytest.raises(leases.NoSession):
        transfers.ask(caller, row.name)
    leases.start_session("somebody else")
    with pytest.raises(leases.SessionOfAnother):
        transfers.ask(caller, row.name)
    leases.release("somebody else")
    leases.start_session(caller.connection_id)
    with pytest.raises(Busy):
        transfers.ask(caller, "no-such-name", is_busy=True)
    with pytest.raises(transfers.UnknownTransfer):
        transfers.ask(caller, "no-such-name")
    assert transfers.ask(caller, row.name).state == "queued"
    assert TransferRun.objects.count() == 1


def test_a_transfer_between_servers_of_others_is_unknown(caller, transfer, here):
    row = transfer(here)
    row.target_server.allowed_users.add(factories.user())

    with pytest.raises(transfers.UnknownTransfer):
        transfers.ask(caller, row.name, in_session=False)
