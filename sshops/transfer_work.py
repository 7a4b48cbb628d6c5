"""A worker's part of a transfer: connect, copy file by file, resume what broke off."""

import logging
import posixpath
import threading
import time
from contextlib import closing

from django.conf import settings
from django.db import close_old_connections
from django.utils.translation import gettext as _

from sshops import connections, transfers
from sshops.digests import Growing, sha256
from sshops.errors import Failure
from sshops.models import TransferFile
from sshops.models.transfers import TransferState
from sshops.places import make_folders, part_of
from sshops.sftp_pipe import LINE_ERRORS, Pipe, Stopped
from sshops.transfer_plans import planned
from sshops.transfers import NoRight, TookTooLong, TransferFailed

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
TRIES = 5


class RunEnded(Exception):
    """The run was cancelled, or another worker has it."""


def run(run_id):
    """Work on a run until it is over; leave one alone that somebody else works on."""
    claimed = transfers.claim(run_id)
    if claimed is None:
        return
    if claimed.is_cancel_wanted:
        transfers.finish(claimed, TransferState.CANCELLED)
        return
    work = Work(claimed)
    try:
        work.carry_out()
    except RunEnded:
        transfers.finish(claimed, TransferState.CANCELLED)
    except Failure as failure:
        why = failure.detail or ""
        log.warning("Transfer %s: %s %s", claimed.transfer_name, failure, why)
        transfers.finish(claimed, TransferState.ERROR, failure=failure)
    except Exception:
        log.exception("Transfer %s broke", claimed.transfer_name)
        transfers.finish(claimed, TransferState.ERROR, failure=Failure())
    else:
        transfers.finish(claimed, TransferState.COMPLETE)


class Work:
    def __init__(self, run):
        self.run = run
        self.stopped = threading.Event()
        self.is_late = False
        self.file = self.pipe = None
        self.source = self.target = None

    def carry_out(self):
        """Copy everything; raise a Failure, or RunEnded."""
        if self.run.transfer is None:
            raise transfers.UnknownTransfer
        over = threading.Event()
        pulse = threading.Thread(target=self.pulse, args=[over], daemon=True)
        pulse.start()
        try:
            self.copy_with_patience()
        finally:
            over.set()
            pulse.join()
            self.hang_up()

    def pulse(self, over):
        """Say every now and then that we are at work; stop when we should be."""
        limit = settings.SSHOPS_TRANSFER_TIMEOUT
        try:
            while not over.wait(BEAT_SECONDS):
                close_old_connections()
                run, pipe = self.run, self.pipe
                age = time.time() - (run.started_at or run.created_at).timestamp()
                self.is_late = bool(limit) and age > limit
                moved = pipe.moved if pipe is not None else 0
                try:
                    goes_on = transfers.beat(run, file=self.file, file_bytes=moved)
                except Exception:
                    log.exception("Progress of %s could not be told", run.pk)
                    continue  # another worker takes over when this lasts
                if self.is_late or not goes_on:
                    self.stopped.set()
                    self.hang_up()
                    return
        finally:
            close_old_connections()

    def copy_with_patience(self):
        """Copy; when a line breaks that was good, connect again and go on."""
        tries, was_good = 0, False
        while True:
            before = self.run.files_done
            try:
                self.connect()
                was_good = True
                self.copy_all()
                return
            except (TransferFailed, Stopped, *LINE_ERRORS, OSError, Failure) as error:
                self.raise_stopped()
                tries = 1 if self.run.files_done > before else tries + 1
                may_pass = was_good and self.may_pass(error)
                if not may_pass or tries >= TRIES:
                    raise failure_of(error) from error
                log.warning("%s: %s; trying again", self.run, error)
            self.hang_up()
            if self.stopped.wait(2**tries / 4):
                self.raise_stopped()

    def may_pass(self, error):
        """Tell whether another attempt may do better: a line broke, or is down."""
        if isinstance(error, LINE_ERRORS):
            return True
        if isinstance(error, Failure):
            return error.status in (503, 504)
        return not (self.source.is_alive and self.target.is_alive)

    def raise_stopped(self):
        if self.is_late:
            raise TookTooLong
        if self.stopped.is_set():
            raise RunEnded

    def connect(self):
        transfer = self.run.transfer
        self.source = connections.open_connection(transfer.source_server)
        self.target = connections.open_connection(transfer.target_server)
        self.from_sftp = self.source.transport.open_sftp_client()
        self.to_sftp = self.target.transport.open_sftp_client()

    def hang_up(self):
        for connection in (self.source, self.target):
            if connection is not None:
                connection.close()

    def copy_all(self):
        run = self.run
        if not run.is_planned:
            files = planned(run, self.from_sftp, self.to_sftp)
            TransferFile.objects.bulk_create(files, 1000)
            regular = [file for file in files if not file.is_folder]
            run.files_total = len(regular)
            run.bytes_total = sum(file.size for file in regular)
            run.is_planned = True
            run.save(update_fields=["files_total", "bytes_total", "is_planned"])
        for file in run.files.filter(is_done=False):
            if self.stopped.is_set():
                raise Stopped
            if file.is_folder:
                make_folders(self.to_sftp, file.target_path)
            else:
                self.copy(file)
            self.file = self.pipe = None
            transfers.file_done(run, file)
        for file in run.files.filter(is_folder=True).order_by("-position"):
            self.dress(file, file.target_path)

    def copy(self, file):
        """Copy one file, from where an earlier attempt has come to."""
        make_folders(self.to_sftp, posixpath.dirname(file.target_path) or ".")
        part = part_of(file.target_path, file.run_id)
        offset = self.offset_of(file, part)
        with closing(Growing(self.target, part, stopped=self.stopped)) as growing:
            pipe = Pipe(
                self.source.transport,
                self.target.transport,
                stopped=self.stopped,
                rate=self.run.transfer.rate_limit,
                follow=growing.has,
            )
            self.file, self.pipe = file, pipe
            digest = pipe.run(file.source_path, part, offset=offset, size=file.size)
            if offset:
                digest = self.digest(self.source, self.from_sftp, file.source_path)
            arrived = growing.digest(file.size)
        if arrived != digest:  # or its server did not tell
            arrived = self.digest(self.target, self.to_sftp, part)
        if arrived != digest:
            self.to_sftp.remove(part)
            raise TransferFailed(
                _("What arrived is not what was sent."), detail=file.target_path
            )
        file.sha256 = digest
        self.dress(file, part)
        self.to_sftp.posix_rename(part, file.target_path)

    def dress(self, file, path):
        """Give a copy the mode and the time of the original."""
        self.to_sftp.chmod(path, file.mode)
        self.to_sftp.utime(path, (file.modified_at, file.modified_at))

    def offset_of(self, file, part):
        """Return how much of a file is there already, and is the same."""
        try:
            there = self.to_sftp.stat(part).st_size
        except FileNotFoundError:
            return 0
        if 0 < there <= file.size:
            ours = self.digest(self.target, self.to_sftp, part, there)
            if ours == self.digest(
                self.source, self.from_sftp, file.source_path, there
            ):
                return there
        self.to_sftp.remove(part)
        return 0

    def digest(self, connection, sftp, path, length=None):
        return sha256(connection, sftp, path, length=length, stopped=self.stopped)


def failure_of(error):
    """Return what to tell of an error."""
    if isinstance(error, TransferFailed):
        return error
    if isinstance(error, Failure):
        return TransferFailed(detail=f"[{error.error_code}] {error.text}")
    if isinstance(error, PermissionError):
        return NoRight(detail=error.filename)
    if isinstance(error, FileNotFoundError):
        text = _("A file is not there, or not any more.")
        return TransferFailed(text, detail=error.filename)
    return TransferFailed(detail=str(error))
