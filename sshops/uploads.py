"""Files from somebody's own computer that become files of a server, by SFTP.

    sha256, is_new = keep(caller, "db1", "/tmp/a.csv", pieces, size=5)

What breaks off leaves nothing behind; or, with a key of the sender's, it stays there as
it is, and goes on under the same key:

    keep(caller, "db1", "/tmp/a.csv", pieces, size=3, key="k3y-of-mine", start=2)
    arrived(caller, "db1", "/tmp/a.csv", "k3y-of-mine")    how many bytes are there
    drop(caller, "db1", "/tmp/a.csv", "k3y-of-mine")

They raise what `remote_files` does; NoRoom, OutOfStep, UnderWay; Interrupted when the
pieces end early.
"""

import contextlib
import hashlib
import stat
import threading
import uuid

from django.utils.translation import gettext as _
from redis import RedisError
from redis.exceptions import LockError

from config.errors import Interrupted
from config.valkey import valkey
from sshops import digests, upload_parts
from sshops.errors import Away, ConnectionLost, Failure
from sshops.places import part_of
from sshops.remote_files import Deed, NotAFile, ServerRefuses, ordinary, told
from sshops.sftp_listing import room
from sshops.sftp_pipe import (
    CREATE,
    FOR_WRITING,
    LINE_ERRORS,
    Pace,
    SFTPError,
    Stopped,
    write_behind,
)

HOLD_SECONDS = 10  # until a key is free again whose process was killed
PATIENCE_SECONDS = 5
RENEWING = "upload's turn"
BROKEN = (Interrupted, Stopped, *LINE_ERRORS)


class NoRoom(Failure):
    """There is no room for this on the server's disk."""

    status = 413
    code = "SFTP_NO_ROOM"
    error_code = 60003


class UnderWay(Failure):
    """An upload with this key is under way; please try again soon."""

    status = 409
    code = "SFTP_UPLOAD_UNDER_WAY"
    error_code = 60004


class OutOfStep(Failure):
    """Not as much of the file is there as you say; go on from `size`."""

    status = 409
    code = "SFTP_UPLOAD_OUT_OF_STEP"
    error_code = 60005

    def __init__(self, size):
        super().__init__()
        self.fields = {"size": size}


def keep(
    caller, server_name, path, pieces, *, size, rate=None, key=None, start=0, there=None
):
    """Write so many bytes to a file, from `start` on, whole or not at all.

    With `there`, only if just so much is there already. Return (SHA-256 of the file,
    whether it is new).
    """
    onward = f" from {start} on" if start else ""
    with (
        turn(caller.user, key) as is_lost,
        doing(
            caller, server_name, path, f"upload {path}: {size} bytes{onward}"
        ) as deed,
    ):
        sftp = deed.line.sftp
        goal, mode = place_of(sftp, path)
        part = part_of(goal, own_name(caller.user, key) if key else uuid.uuid4())
        begin(sftp, part, start, there)
        with clearing(deed.line, part, stays=key is not None):
            sent = written(deed.line, part, pieces, size, rate, start, is_lost)
            sha256 = checked(deed.line, part, sent, start)
            if is_lost.is_set():
                raise Interrupted
            if mode is not None:
                sftp.chmod(part, mode)
            sftp.posix_rename(part, goal)
        deed.end("complete", text=f"sha256:{sha256}")
    return sha256, mode is None


def arrived(caller, server_name, path, key, *, is_settled=False):
    """Return how many bytes of an upload that broke off are there.

    `is_settled` asks for a figure that changes no more: UnderWay is raised while
    somebody still writes.
    """
    with (
        turn(caller.user, key if is_settled else None, PATIENCE_SECONDS),
        doing(caller, server_name, path, f"look at the upload {path}") as deed,
    ):
        goal, _mode = place_of(deed.line.sftp, path)
        return size_of(deed.line.sftp, part_of(goal, own_name(caller.user, key)))


def drop(caller, server_name, path, key):
    """Remove what is there of an upload."""
    with (
        turn(caller.user, key, PATIENCE_SECONDS),  # its sender left just now, perhaps
        doing(caller, server_name, path, f"drop the upload {path}") as deed,
    ):
        goal, _mode = place_of(deed.line.sftp, path)
        remove(deed.line, part_of(goal, own_name(caller.user, key)))


@contextlib.contextmanager
def doing(caller, server_name, path, text):
    """Have a Deed that ends with the block."""
    deed = Deed(caller, server_name, text)
    with deed.or_end(), told(path):
        yield deed
    deed.end("complete")


# One at a time


def own_name(user, key):
    """Return what a key is called on servers: each person's is another."""
    return hashlib.sha256(f"{user.pk} {key}".encode()).hexdigest()[:32]


@contextlib.contextmanager
def turn(user, key, patience=0):
    """Have a key to oneself, in all processes; yield an Event that is set once lost."""
    is_lost, is_over = threading.Event(), threading.Event()
    if key is None:
        yield is_lost
        return
    # Renewed by a thread of ours, it ends soon after the process does.
    lock = valkey().lock(
        f"madang:upload:{own_name(user, key)}",
        timeout=HOLD_SECONDS,
        thread_local=False,
    )
    try:
        if not lock.acquire(blocking_timeout=patience):
            raise UnderWay
    except RedisError as error:
        raise Away from error

    def renew():
        while not is_over.wait(HOLD_SECONDS / 4):
            try:
                lock.reacquire()
            except LockError:
                is_lost.set()
                return
            except RedisError:
                continue  # it may come back in time

    renewing = threading.Thread(target=renew, name=RENEWING, daemon=True)
    renewing.start()
    try:
        yield is_lost
    finally:
        is_over.set()
        renewing.join()
        with contextlib.suppress(RedisError):
            lock.release()


# On the server


def place_of(sftp, path):
    """Return where a file is, links followed, and its mode; None for a new one."""
    if path.endswith("/"):
        raise NotAFile(detail=path)
    try:
        status = ordinary(sftp.stat(path), path)
    except FileNotFoundError:
        return path, None
    return sftp.normalize(path), stat.S_IMODE(status.st_mode)


def size_of(sftp, path):
    try:
        return sftp.stat(path).st_size
    except FileNotFoundError:
        return 0


def begin(sftp, part, start, there):
    """Have just the beginning there; raise OutOfStep."""
    size = size_of(sftp, part)
    if size < start or there not in (None, size):
        raise OutOfStep(size)
    if size > start:
        sftp.truncate(part, start)


@contextlib.contextmanager
def clearing(line, part, *, stays):
    """Remove the part where something goes wrong, or only what is refused."""
    server = line.connection.server
    upload_parts.remember(server, part)
    try:
        yield
    except BaseException as error:
        if not (stays and isinstance(error, BROKEN)):
            with contextlib.suppress(OSError, *LINE_ERRORS):
                remove(line, part)
        if isinstance(error, OSError) and not line.connection.is_alive:
            raise ConnectionLost(detail=str(error)) from error
        raise
    upload_parts.forget(server, part)


def remove(line, part):
    with contextlib.suppress(FileNotFoundError):
        line.sftp.remove(part)
    upload_parts.forget(line.connection.server, part)


def written(line, path, pieces, size, rate, start, is_lost):
    """Write pieces to a file from `start` on; return their SHA-256."""
    wire, pace = line.wire(), Pace(rate)
    digest = hashlib.sha256()
    arrived = handed = 0

    def paced():
        nonlocal handed
        # Who leaves: what is under way arrives yet, before anybody goes on from there.
        with contextlib.suppress(Interrupted):
            for piece in pieces:
                if is_lost.is_set():
                    return
                pace.wait(len(piece), line.patience)
                digest.update(piece)
                handed += len(piece)
                line.patience.go_on()
                yield piece

    handle = wire.opened(path, FOR_WRITING | CREATE)
    if is_too_much(wire, path, size):
        raise NoRoom(detail=path)
    try:
        for count in write_behind(wire, handle, path, start, paced()):
            arrived += count
    except SFTPError as error:
        # The protocol has no word of its own for a full disk.
        if is_too_much(line.wire(), path, size - arrived):
            raise NoRoom(detail=path) from error
        raise
    if handed != size:
        raise Interrupted
    return digest.hexdigest()


def checked(line, part, sent, start):
    """Return the SHA-256 of all that is there; raise ServerRefuses where what lies
    from `start` on has another than what was sent."""
    sha256 = digests.sha256(line.connection, line.sftp, part, offset=start)
    if sha256 != sent:
        raise ServerRefuses(_("What arrived is not what was sent."), detail=part)
    return digests.sha256(line.connection, line.sftp, part) if start else sha256


def is_too_much(wire, path, size):
    """Tell whether the disk has not so much room, where the server tells at all."""
    free = room(wire, path)
    return free is not None and size > free
