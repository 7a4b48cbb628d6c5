"""Transfers whose one end is a shared file: Work of another source, or target."""

import hashlib
import logging
import posixpath
import stat
from contextlib import closing

from django.utils.translation import gettext as _

from config import shared_files
from config.errors import DomainError
from sshops.models import TransferFile
from sshops.places import is_folder, meant, naming, stored
from sshops.sftp_pipe import Pipe, SFTPError, Stopped
from sshops.transfer_plans import check_goals
from sshops.transfer_work import Work
from sshops.transfers import TransferFailed

log = logging.getLogger(__name__)

NEW_MODE = 0o644


class Sending(Work):
    """A shared file becomes a file on a server."""

    def connect_source(self):
        keeper = shared_files.keeper()
        self.shared = keeper.find(self.run.user, self.run.shared_file)

    def plan(self):
        path, name = self.run.target_path, self.shared.name
        if path.endswith("/") or is_folder(self.to_sftp, path):
            path = posixpath.join(path, name)
        file = TransferFile(
            run=self.run,
            position=0,
            source_path=name,
            target_path=stored(path),
            size=self.shared.size,
            mode=NEW_MODE,
            modified_at=int(self.shared.stored_at.timestamp()),
        )
        check_goals(self.to_sftp, [file])
        return [file]

    def piped(self, **how):
        return FromShared(self.shared, self.target.transport, **how)

    def source_digest(self, file, length=None):
        stop = file.size if length is None else length
        pieces = shared_files.keeper().pieces(self.shared.id, 0, stop)
        return digest_of(pieces, self.stopped)


class FromShared(Pipe):
    """A Pipe whose source is a shared file."""

    def read(self, _path, offset, size):
        pieces = shared_files.keeper().pieces(self.source.id, offset, size)
        with closing(pieces):
            for piece in pieces:
                offset += len(piece)
                yield piece
        if offset < size:
            raise SFTPError("the file has become shorter")


class Fetching(Work):
    """A file on a server becomes a shared file.

    Its Arrival has the run's id, so that each attempt finds what has come before.
    """

    def connect_target(self):
        pass  # the arrival begins once the size is known

    def plan(self):
        path = self.run.source_path
        with naming(path):
            status = self.from_sftp.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise TransferFailed(_("This is no ordinary file."), detail=path)
        file = TransferFile(
            run=self.run,
            position=0,
            source_path=stored(path),
            target_path=self.run.target_path,
            size=status.st_size,
            mode=NEW_MODE,
            modified_at=status.st_mtime,
        )
        self.arrival_of(file)  # refused at once, where it is
        return [file]

    def arrival_of(self, file):
        return shared_files.keeper().begin(
            self.run.user, id=self.run.pk, name=file.target_path, size=file.size
        )

    def copy(self, file):
        arrival = self.checked(self.arrival_of(file), file)
        offset = arrival.offset
        pipe = ToShared(
            *(self.source.transport, arrival),
            stopped=self.stopped,
            rate=self.run.rate_limit,
        )
        self.file, self.pipe = file, pipe
        digest = pipe.run(meant(file.source_path), None, offset=offset, size=file.size)
        if offset:
            digest = self.source_digest(file)
        if digest_of(arrival.pieces(), self.stopped) != digest:
            arrival.drop()
            raise TransferFailed(
                _("What arrived is not what was sent."), detail=file.target_path
            )
        file.sha256 = digest
        self.run.shared_file = arrival.finish().id
        self.run.save(update_fields=["shared_file"])

    def checked(self, arrival, file):
        """Return the arrival, or a new one when it is not a beginning of the file."""
        if not arrival.offset:
            return arrival
        here = digest_of(arrival.pieces(), self.stopped)
        if here == self.source_digest(file, arrival.offset):
            return arrival
        arrival.drop()
        return self.arrival_of(file)

    def forget(self):
        file = self.run.files.first()
        if file is not None:
            try:
                self.arrival_of(file).drop()
            except DomainError as error:
                log.warning("What came of %s is left to the sweep: %s", self.run, error)


class ToShared(Pipe):
    """A Pipe whose target is the Arrival of a shared file."""

    def write(self, _path, _offset, pieces):
        failure = None

        def take(_size):
            nonlocal failure
            try:
                piece = next(pieces, b"")
            except OSError as error:  # what has come before is kept
                failure = error
                raise
            self.moved += len(piece)
            return piece

        self.target.add(take)
        if failure is not None:
            raise failure
        if self.moved < self.target.size:
            raise EOFError


def digest_of(pieces, stopped):
    """Return the SHA-256 of pieces; raise Stopped."""
    digest = hashlib.sha256()
    for piece in pieces:
        if stopped.is_set():
            raise Stopped
        digest.update(piece)
    return digest.hexdigest()
