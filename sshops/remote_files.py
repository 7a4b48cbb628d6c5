"""Files of one server, looked at and straight to somebody's own computer, by SFTP.

    folder = listed(caller, "db1", "/var/log")
    file = fetch(caller, "db1", "/var/log/syslog")     iterate it, and close it

Each has a connection of its own, in a thread that may wait, and an entry in the audit
log. They raise UnknownServer; what connecting raises; NotFound, NoRight, NotAFile and
ServerRefuses for what the server says; TooManyStreams. Files to a server: `uploads`.
"""

import contextlib
import hashlib
import posixpath
import stat
import threading
import time
from dataclasses import replace
from itertools import islice

from django.conf import settings
from django.utils.translation import gettext as _

from config.errors import DomainError, Interrupted
from sshops import audit, connections
from sshops.commands import server_of
from sshops.errors import (
    ConnectionLost,
    ConnectionTimedOut,
    Failure,
    InvalidParameter,
    NotFound,
)
from sshops.sftp_listing import entries
from sshops.sftp_pipe import (
    FOR_READING,
    LINE_ERRORS,
    Pace,
    Stopped,
    Wire,
    read_ahead,
)
from sshops.transfers import NoRight

MOST_ENTRIES = 10_000
MOST_LINKS = 500  # that are followed in one listing
SILENT_SECONDS = 60

# A slow reader keeps one of the threads for long answers; some are left to others.
_streams = threading.BoundedSemaphore(max(1, settings.HTTP_STREAM_THREADS // 2))


class NotAFile(InvalidParameter):
    """This is a folder or no ordinary file; name a file."""


class ServerRefuses(Failure):
    """The server refuses this."""

    status = 409
    code = "SFTP_REFUSED"
    error_code = 60002


class TooManyStreams(Failure):
    """Too many files are on their way just now; please try again soon."""

    status = 429
    code = "QUOTA_EXCEEDED"
    error_code = 14001


class Patience:
    """Set, as an event, once the server has been silent for SILENT_SECONDS."""

    def __init__(self):
        self.go_on()

    def go_on(self):
        self.end = time.monotonic() + SILENT_SECONDS

    def is_set(self):
        return time.monotonic() > self.end

    def wait(self, seconds):
        time.sleep(seconds)
        self.go_on()  # it was us who waited


class Line:
    """A connection to a server for files, to be closed."""

    def __init__(self, server):
        self.patience = Patience()
        self.connection = connections.open_connection(server)
        try:
            self.sftp = self.connection.transport.open_sftp_client()
            self.sftp.get_channel().settimeout(SILENT_SECONDS)
        except BaseException:
            self.close()
            raise

    def wire(self):
        return Wire(self.connection.transport, self.patience)

    def close(self):
        self.connection.close()


@contextlib.contextmanager
def told(path):
    """Raise as a Failure what the server or the line to it says."""
    try:
        yield
    except FileNotFoundError as error:
        text = _("There is no such file or folder on the server.")
        raise NotFound(text, detail=path) from error
    except PermissionError as error:
        raise NoRight(detail=path) from error
    except (TimeoutError, Stopped) as error:
        raise ConnectionTimedOut from error
    except LINE_ERRORS as error:
        raise ConnectionLost(detail=str(error)) from error
    except OSError as error:
        raise ServerRefuses(detail=str(error)) from error


class Deed:
    """Something done with a server's files: audited, and one of a bounded number."""

    def __init__(self, caller, server_name, text):
        if not _streams.acquire(blocking=False):
            raise TooManyStreams
        try:
            server = server_of(caller.user, server_name)
            self.entry = caller.audited(
                kind="transfer", server_name=server.name, text=text
            )
        except BaseException:
            _streams.release()
            raise
        self.line, self.is_over = None, False
        with self.or_end():
            self.line = Line(server)

    @contextlib.contextmanager
    def or_end(self):
        """End it where something goes wrong."""
        try:
            yield
        except (Interrupted, GeneratorExit):
            self.end("disconnected")
            raise
        except DomainError as error:
            self.end("error", error_code=getattr(error, "error_code", None))
            raise
        except BaseException:
            self.end("error")
            raise

    def end(self, outcome, **how):
        if self.is_over:
            return
        self.is_over = True
        try:
            if self.line is not None:
                self.line.close()
            audit.finish(self.entry, outcome, **how)
        finally:
            _streams.release()


# Looking


def listed(caller, server_name, path):
    """Return (its whole path, Entries, whether there are more) of a folder."""
    deed = Deed(caller, server_name, f"list {path}")
    with deed.or_end(), told(path):
        whole = deed.line.sftp.normalize(path)
        if not stat.S_ISDIR(deed.line.sftp.stat(whole).st_mode):
            raise InvalidParameter(_("This is not a folder."), detail=path)
        wire = deed.line.wire()
        found = list(islice(entries(wire, whole), MOST_ENTRIES + 1))
        has_more = len(found) > MOST_ENTRIES
        found = followed(deed.line.sftp, whole, found[:MOST_ENTRIES])
    deed.end("complete")
    found.sort(key=lambda entry: (not entry.is_folder, entry.name))
    return whole, found, has_more


def followed(sftp, folder, found):
    """Return the Entries, links as what they lead to."""
    left = MOST_LINKS
    seen = []
    for entry in found:
        if entry.is_link and left:
            left -= 1
            with contextlib.suppress(OSError):  # it leads nowhere, or not for us
                there = sftp.stat(posixpath.join(folder, entry.name))
                entry = replace(
                    entry,
                    mode=there.st_mode,
                    size=there.st_size,
                    modified_at=there.st_mtime,
                )
        seen.append(entry)
    return seen


# Fetching


def fetch(caller, server_name, path, *, rate=None):
    """Return the Fetched file, which is not read yet."""
    deed = Deed(caller, server_name, f"download {path}")
    with deed.or_end(), told(path):
        status = ordinary(deed.line.sftp.stat(path), path)
        wire = deed.line.wire()
        handle = wire.opened(path, FOR_READING)
    return Fetched(deed, wire, handle, path, status, rate)


def ordinary(status, path):
    """Return the status of a file; raise NotAFile."""
    if not stat.S_ISREG(status.st_mode):
        raise NotAFile(detail=path)
    return status


class Fetched:
    """The bytes of a file from `start` to `stop`, to be read once and closed."""

    def __init__(self, deed, wire, handle, path, status, rate):
        self.deed, self.wire, self.handle, self.path = deed, wire, handle, path
        self.size, self.modified_at = status.st_size, status.st_mtime
        self.start, self.stop = 0, self.size
        self.pace = Pace(rate)

    @property
    def name(self):
        return posixpath.basename(self.path)

    def __iter__(self):
        patience = self.deed.line.patience
        patience.go_on()
        digest = hashlib.sha256()
        self.wire.piece = self.pace.piece(self.wire.piece)
        with self.deed.or_end(), told(self.path):
            for piece in read_ahead(
                self.wire, self.handle, self.path, self.start, self.stop
            ):
                self.pace.wait(len(piece), patience)
                digest.update(piece)
                yield piece
                patience.go_on()
        sent = f"{self.stop - self.start} bytes sha256:{digest.hexdigest()}"
        self.close("complete", text=sent)

    def close(self, outcome="disconnected", **how):
        self.deed.end(outcome, **how)
