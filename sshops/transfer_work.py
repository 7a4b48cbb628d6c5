"""A worker's part of a transfer: connect, copy file by file, resume what broke off."""

import logging
import posixpath
import threading
import time
from contextlib import closing, suppress

from django.conf import settings
from django.db import close_old_connections
from django.utils.translation import gettext as _

from config.errors import DomainError
from sshops import connections, transfers
from sshops.digests import Growing, sha256
from sshops.errors import Failure, UnknownServer
from sshops.models import TransferFile
from sshops.places import SFTP, make_folders, meant, naming, part_of, stored
from sshops.sftp_pipe import LINE_ERRORS, Pipe, Stopped, Wire
from sshops.transfer_plans import place_of, planned
from sshops.transfers import NoRight, TookTooLong, TransferFailed

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
TRIES = 5


class RunEnded(Exception):
    """The run was cancelled, or another worker has it."""


class Work:
    def __init__(self, run):
        self.run = run
        self.stopped = threading.Event()
        self.is_late = False
        self.file = self.pipe = None
        self.source = self.target = None

    def carry_out(self):
        """Copy everything; raise a Failure, or RunEnded."""
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
            except (Stopped, *LINE_ERRORS, OSError, DomainError) as error:
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
        if isinstance(error, DomainError):
            return error.status in (503, 504)
        return not all(line.is_alive for line in self.lines)

    def raise_stopped(self):
        if self.is_late:
            raise TookTooLong
        if self.stopped.is_set():
            raise RunEnded

    def connect(self):
        self.connect_source()
        self.connect_target()

    def connect_source(self):
        self.source = connected(self.run.source_server)
        self.from_sftp = SFTP.from_transport(self.source.transport)

    def connect_target(self):
        self.target = connected(self.run.target_server)
        self.to_sftp = SFTP.from_transport(self.target.transport)

    @property
    def lines(self):
        return [line for line in (self.source, self.target) if line is not None]

    def hang_up(self):
        for connection in self.lines:
            connection.close()

    def forget(self):
        """Clear away what has come of a run that goes on no more, if it can be."""
        file = self.run.files.filter(is_done=False, is_folder=False).first()
        if file is None:
            return
        try:
            self.connect_target()
            with suppress(FileNotFoundError):
                self.to_sftp.remove(part_of(self.place_of(file), file.run_id))
        except (*LINE_ERRORS, OSError, DomainError) as error:
            log.warning("What came of %s is left there: %s", self.run, error)
        finally:
            self.hang_up()

    def copy_all(self):
        run = self.run
        if not run.is_planned:
            files = self.plan()
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
                make_folders(self.to_sftp, meant(file.target_path))
            else:
                self.copy(file)
            self.file = self.pipe = None
            transfers.file_done(run, file)
        for file in run.files.filter(is_folder=True).order_by("-position"):
            self.dress(file, meant(file.target_path))

    def plan(self):
        """Return the files to copy."""
        with closing(Wire(self.source.transport, self.stopped)) as wire:
            return planned(self.run, self.from_sftp, wire, self.to_sftp)

    def copy(self, file):
        """Copy one file, from where an earlier attempt has come to."""
        source, goal = meant(file.source_path), self.place_of(file)
        make_folders(self.to_sftp, posixpath.dirname(goal) or ".")
        part = part_of(goal, file.run_id)
        offset = self.offset_of(file, part)
        with closing(Growing(self.target, part, stopped=self.stopped)) as growing:
            pipe = self.piped(
                stopped=self.stopped, rate=self.run.rate_limit, follow=growing.has
            )
            self.file, self.pipe = file, pipe
            digest = pipe.run(source, part, offset=offset, size=file.size)
            if offset:
                digest = self.source_digest(file)
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
        with naming(goal):
            self.to_sftp.posix_rename(part, goal)

    def place_of(self, file):
        return place_of(self.to_sftp, meant(file.target_path))

    def piped(self, **how):
        return Pipe(self.source.transport, self.target.transport, **how)

    def dress(self, file, path):
        """Give a copy the mode and the time of the original."""
        with naming(path):
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
            if ours == self.source_digest(file, there):
                return there
        self.to_sftp.remove(part)
        return 0

    def source_digest(self, file, length=None):
        path = meant(file.source_path)
        return self.digest(self.source, self.from_sftp, path, length)

    def digest(self, connection, sftp, path, length=None):
        return sha256(connection, sftp, path, length=length, stopped=self.stopped)


def connected(server):
    """Return a Connection; raise UnknownServer when the server is gone."""
    if server is None:
        raise UnknownServer
    return connections.open_connection(server)


def failure_of(error):
    """Return what to tell of an error."""
    if isinstance(error, TransferFailed):
        return error
    if isinstance(error, Failure):
        return TransferFailed(detail=f"[{error.error_code}] {error.text}")
    if isinstance(error, DomainError):
        return TransferFailed(detail=error.text)
    name = getattr(error, "filename", None)
    name = name and stored(name)
    if isinstance(error, PermissionError):
        return NoRight(detail=name)
    if isinstance(error, FileNotFoundError):
        text = _("A file is not there, or not any more.")
        return TransferFailed(text, detail=name)
    why = getattr(error, "strerror", None) or error
    return TransferFailed(detail=f"{name}: {why}" if name else str(error))
