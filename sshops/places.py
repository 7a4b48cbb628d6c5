"""Places on a server, looked at and made by SFTP.

A path has surrogates for bytes that are no UTF-8, as Python's own paths have; `stored`
makes of it what the database can keep and people can read, and `meant` undoes that.
"""

import contextlib
import errno
import posixpath
import re
import stat

import paramiko

ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
LIKE_ESCAPED = re.compile(r"\\(?=x[0-9a-f]{2})")


class SFTP(paramiko.SFTPClient):
    """paramiko's client, for paths that are no UTF-8, too."""

    def _adjust_cwd(self, path):
        return super()._adjust_cwd(path.encode(errors="surrogateescape"))

    def normalize(self, path):
        whole = super().normalize(path)  # as bytes, where they are no UTF-8
        if isinstance(whole, bytes):
            return whole.decode(errors="surrogateescape")
        return whole


def stored(path):
    """Return a path with `\\xc7` for the bytes of names that are no UTF-8."""
    path = LIKE_ESCAPED.sub(r"\\x5c", path)  # a name may have just these letters
    return "/".join(map(_readable, path.split("/")))


def _readable(name):
    data = name.encode(errors="surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("ascii", errors="backslashreplace")


def meant(path):
    """Return the path that was stored so."""
    data = ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), path.encode())
    return data.decode(errors="surrogateescape")


@contextlib.contextmanager
def naming(path):
    """Have what SFTP raises name the path, where it does not name one itself."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


def is_folder(sftp, path):
    try:
        return stat.S_ISDIR(sftp.stat(path).st_mode)
    except FileNotFoundError:
        return False


def make_folders(sftp, path):
    """Make a folder and those above it, as far as they are missing."""
    with naming(path):
        try:
            status = sftp.stat(path)
        except FileNotFoundError:
            above = posixpath.dirname(path.rstrip("/"))
            if above and above != path:
                make_folders(sftp, above)
            sftp.mkdir(path)
        else:
            if not stat.S_ISDIR(status.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "not a folder", path)


def part_of(path, key):
    """Return the name under which a file arrives beside its path; each key has one."""
    folder, name = posixpath.split(path)
    name = name.encode(errors="ignore")[:200].decode(errors="ignore")
    return posixpath.join(folder, f".{name}.{key}.part")
