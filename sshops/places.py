"""Places on a server, looked at and made by SFTP."""

import posixpath
import stat


def is_folder(sftp, path):
    try:
        return stat.S_ISDIR(sftp.stat(path).st_mode)
    except FileNotFoundError:
        return False


def make_folders(sftp, path):
    """Make a folder and those above it, as far as they are missing."""
    try:
        sftp.stat(path)
        return
    except FileNotFoundError:
        pass
    above = posixpath.dirname(path.rstrip("/"))
    if above and above != path:
        make_folders(sftp, above)
    sftp.mkdir(path)


def part_of(path, key):
    """Return the name under which a file arrives beside its path; each key has one."""
    folder, name = posixpath.split(path)
    name = name.encode()[:200].decode(errors="ignore")
    return posixpath.join(folder, f".{name}.{key}.part")
