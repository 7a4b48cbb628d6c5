"""SHA-256 of files where they lie: the server works it out, or we read them."""

import contextlib
import hashlib
import shlex
import threading
from functools import partial

from sshops.sftp_pipe import LINE_ERRORS, Stopped

SHA256SUM = "sha256sum"
SECONDS = 3600
READ_BACK_BYTES = 1 << 18
NEVER = threading.Event()


def sha256(connection, sftp, path, *, length=None, stopped=NEVER):
    """Return the SHA-256 of a file, or of its first bytes, in hexadecimal.

    The server is asked for it by sha256sum, if it lets us run that; else it is read by
    SFTP. Raise Stopped as soon as `stopped` is set meanwhile.
    """
    quoted = shlex.quote(path)
    if length is None:
        command = f"{SHA256SUM} < {quoted}"
    else:
        command = f"head -c {length} < {quoted} | {SHA256SUM}"
    with contextlib.suppress(*LINE_ERRORS):
        channel = connection.transport.open_session()
        try:
            channel.settimeout(SECONDS)
            channel.exec_command(command)
            said = channel.makefile().read().decode("ascii", "replace").split()
            if channel.recv_exit_status() == 0 and said and len(said[0]) == 64:
                return said[0]
        finally:
            channel.close()
    if stopped.is_set():
        raise Stopped
    return _read(sftp, path, length, stopped)


def _read(sftp, path, length, stopped):
    digest = hashlib.sha256()
    with sftp.open(path, "rb") as file:
        left = file.stat().st_size if length is None else length
        file.prefetch(left)
        for data in iter(partial(file.read, min(left, READ_BACK_BYTES)), b""):
            if stopped.is_set():
                raise Stopped
            digest.update(data[:left])
            left -= len(data)
            if left <= 0:
                break
    return digest.hexdigest()
