"""Transfers: ask for one, follow it, cancel it; what a worker notes of its progress.

The row of a run is the truth. A message only nudges a worker to look at it, and the
beat finds the runs whose message or worker was lost.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from config.realtime import publish
from sshops import audit, leases
from sshops.commands import Busy
from sshops.errors import Failure
from sshops.leases import NoSession
from sshops.models import Transfer, TransferFile, TransferRun
from sshops.models.servers import key_of
from sshops.models.transfers import OPEN, TransferState

PROGRESS = (
    *("file", "file_bytes", "file_size", "files_done", "files_total"),
    *("bytes_done", "bytes_total", "bytes_a_second", "seconds_left"),
)
LOST_SECONDS = 10  # a worker that has said nothing for so long is no more
DEFAULT_NAME = "stub_data_transfer"


class TransferFailed(Failure):
    """The transfer failed."""

    status = 500
    code = "SSH_SCP_TRANSFER_FAILED"
    error_code = 24000


class UnknownTransfer(Failure):
    """There is no transfer of this name."""

    status = 404
    code = "SSH_SCP_CONFIG_NOT_FOUND"
    error_code = 24001


class NoRight(Failure):
    """A server does not let us read or write there."""

    status = 403
    code = "SSH_SCP_PERMISSION_DENIED"
    error_code = 24003


class TookTooLong(Failure):
    """The transfer was stopped: it took longer than the time limit."""

    status = 504
    code = "SSH_SCP_TIMEOUT"
    error_code = 24004


FAILURES = {
    kind.error_code: kind
    for kind in (TransferFailed, UnknownTransfer, NoRight, TookTooLong)
}


def group_of(run_id):
    """Return the group that hears of a run."""
    return f"sshops.transfer.{run_id}"


def group_of_user(user_id):
    """Return the group that hears of all runs of a person."""
    return f"sshops.transfers.{user_id}"


def named(user, name):
    """Return the transfer of this name, in any case; raise UnknownTransfer."""
    rows = Transfer.objects.visible_to(user).select_related(
        "source_server", "target_server"
    )
    transfer = rows.filter(name=key_of(name)).first()
    if transfer is None:
        raise UnknownTransfer
    return transfer


def ask(caller, name, *, is_busy=False, in_session=True):
    """Queue a run of a transfer and return it.

    With `in_session` it needs the caller's own session. Raise NoSession,
    SessionOfAnother, Busy or UnknownTransfer, looked for in this order.
    """
    if not leases.has_session(caller.connection_id) and in_session:
        raise NoSession
    if is_busy:
        raise Busy
    transfer = named(caller.user, name)
    return queue(
        caller,
        transfer=transfer,
        transfer_name=transfer.name,
        source_server=transfer.source_server,
        source_path=transfer.source_path,
        target_server=transfer.target_server,
        target_path=transfer.target_path,
        rate_limit=transfer.rate_limit,
    )


def queue(caller, **fields):
    """Queue a run and return it."""
    run = TransferRun(user=caller.user, connection_id=caller.connection_id, **fields)
    with transaction.atomic():
        run.audit_entry = caller.audited(
            kind="transfer",
            server_name=(run.source_server or run.target_server).name,
            text=text_of(run),
        )
        run.save(force_insert=True)
        tell(run)
    return run


def text_of(run):
    """Return a run's way in words, for the audit log."""
    source = f"{run.source_server or 'workspace'}:{run.source_path}"
    target = f"{run.target_server or 'workspace'}:{run.target_path}"
    return f"{run.transfer_name or run.kind}: {source} -> {target}"


def cancel(run_id, outcome="cancelled"):
    """Have a run end; one that nobody works on ends at once.

    Tell whether its worker was lost, so that what had come is still to be cleared away.
    """
    rows = TransferRun.objects.filter(pk=run_id, state__in=OPEN)
    rows.update(is_cancel_wanted=True)
    run = rows.filter(
        Q(state=TransferState.QUEUED) | Q(seen_at__lt=lost_before())
    ).first()
    if run is None:
        return False
    was_lost = run.state == TransferState.RUNNING
    return finish(run, TransferState.CANCELLED, outcome=outcome) and was_lost


def lost_before():
    return timezone.now() - timedelta(seconds=LOST_SECONDS)


def unattended():
    """Return the ids of runs that wait for a worker, or have lost theirs."""
    waiting = Q(state=TransferState.QUEUED, created_at__lt=lost_before())
    lost = Q(state=TransferState.RUNNING, seen_at__lt=lost_before())
    return list(TransferRun.objects.filter(waiting | lost).values_list("pk", flat=True))


# What a worker says


def claim(run_id):
    """Take a run to work on it, or return None when it is not to be had."""
    now = timezone.now()
    free = Q(state=TransferState.QUEUED) | Q(
        state=TransferState.RUNNING, seen_at__lt=lost_before()
    )
    taken = TransferRun.objects.filter(free, pk=run_id).update(
        state=TransferState.RUNNING, attempt=F("attempt") + 1, seen_at=now
    )
    if not taken:
        return None
    rows = TransferRun.objects.filter(pk=run_id)
    rows.filter(started_at=None).update(started_at=now)
    related = ("source_server__jump", "target_server__jump", "user")
    run = rows.select_related(*related, "audit_entry").get()
    done = run.files.filter(is_done=True, is_folder=False)
    # The stored figure may hold part of a file that is copied again.
    run.bytes_done = done.aggregate(sum=Sum("size"))["sum"] or 0
    tell(run)
    return run


def beat(run, *, file=None, file_bytes=0):
    """Say that the run is worked on, and how far it is; tell whether to go on."""
    done = run.bytes_done + file_bytes
    mine = TransferRun.objects.filter(
        pk=run.pk, state=TransferState.RUNNING, attempt=run.attempt
    )
    # Of the file under way, too: who asks over HTTP hears no events.
    goes_on = mine.filter(is_cancel_wanted=False).update(
        seen_at=timezone.now(), bytes_done=done
    )
    if goes_on:
        tell(run, file=file, file_bytes=file_bytes, bytes_done=done)
    return bool(goes_on)


def file_done(run, file):
    """Note that a file has arrived whole."""
    with transaction.atomic():
        file.is_done = True
        file.save(update_fields=["is_done", "sha256"])
        if file.is_folder:
            return
        run.files_done += 1
        run.bytes_done += file.size
        mine = TransferRun.objects.filter(pk=run.pk, attempt=run.attempt)
        mine.update(files_done=run.files_done, bytes_done=run.bytes_done)
        publish(
            group_of(run.pk),
            "transfer.file",
            path=file.target_path,
            size=file.size,
            sha256=file.sha256,
            position=file.position,
        )
        tell(run)


def finish(run, state, *, failure=None, outcome=None):
    """End a run, unless somebody else has; tell whether it was done."""
    fields = {"state": state, "finished_at": timezone.now()}
    if failure is not None:
        fields |= {
            "error_code": failure.error_code,
            "error": f"{failure.text} {failure.detail or ''}".strip(),
        }
    with transaction.atomic():
        mine = TransferRun.objects.filter(
            pk=run.pk, state__in=OPEN, attempt=run.attempt
        )
        if not mine.update(**fields):
            return False
        for name, value in fields.items():
            setattr(run, name, value)
        if run.audit_entry is not None:
            code = failure.error_code if failure is not None else None
            audit.finish(run.audit_entry, outcome or str(state), error_code=code)
        tell(run)
    return True


def tell(run, **now):
    """Publish where a run is."""
    event = {"run": as_event(run), **progress(run, now)}
    publish(group_of(run.pk), "transfer.run", **event)
    if run.user_id is not None:
        publish(group_of_user(run.user_id), "transfer.run", **event)


def as_event(run):
    return {
        "id": str(run.pk),
        "transfer_name": run.transfer_name,
        "state": str(run.state),
        "error_code": run.error_code,
        "error": run.error,
        "shared_file": run.shared_file,
    }


def progress(run, now):
    """Return the figures of a run, with those of the file under way."""
    file = now.get("file")
    return {
        "file": file.target_path if file is not None else None,
        "file_bytes": now.get("file_bytes", 0),
        "file_size": file.size if file is not None else 0,
        "files_done": run.files_done,
        "files_total": run.files_total,
        "bytes_done": now.get("bytes_done", run.bytes_done),
        "bytes_total": run.bytes_total,
        "bytes_a_second": speed_of(run, bytes_done=now.get("bytes_done")),
        "seconds_left": seconds_left(run, bytes_done=now.get("bytes_done")),
    }


def speed_of(run, *, bytes_done=None):
    """Return the bytes a second of a run so far, or None before it has begun."""
    if run.started_at is None:
        return None
    end = run.finished_at or timezone.now()
    seconds = (end - run.started_at).total_seconds()
    done = run.bytes_done if bytes_done is None else bytes_done
    return round(done / seconds, 1) if seconds > 0 else None


def seconds_left(run, *, bytes_done=None):
    """Return how long a run will take yet at this speed, or None."""
    speed = speed_of(run, bytes_done=bytes_done)
    if run.state != TransferState.RUNNING or not speed:
        return None
    done = run.bytes_done if bytes_done is None else bytes_done
    return round((run.bytes_total - done) / speed, 1)


def files_done_since(run_id, position):
    """Return the files of a run that are done, from a position on."""
    files = TransferFile.objects.filter(run=run_id, is_done=True, is_folder=False)
    return list(files.filter(position__gt=position).order_by("position"))
