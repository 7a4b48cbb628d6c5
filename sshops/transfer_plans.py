"""Which files a transfer copies, and to where: looked up by SFTP, never by a shell."""

import fnmatch
import posixpath
import stat

from django.utils.translation import gettext as _

from sshops.models import TransferFile
from sshops.places import is_folder
from sshops.transfers import TransferFailed

MOST_FILES = 200_000
DEEPEST = 64
WILD = set("*?[")


def planned(run, source, target):
    """Return the TransferFiles of a run; `source`, `target` are SFTP clients.

    Raise TransferFailed where nothing matches, and what SFTP raises.
    """
    transfer = run.transfer
    found = matches(source, transfer.source_path)
    if not found:
        raise TransferFailed(
            _("Nothing is there to copy."), detail=transfer.source_path
        )
    into_folder = (
        transfer.target_path.endswith("/")
        or is_wild(transfer.source_path)
        or is_folder(target, transfer.target_path)
    )
    files = []
    for path, attributes in found:
        goal = transfer.target_path.rstrip("/") or "/"
        if into_folder:
            goal = posixpath.join(goal, posixpath.basename(path))
        walk(source, path, goal, attributes, files)
    for position, file in enumerate(files):
        file.run, file.position = run, position
    return files


def is_wild(path):
    return bool(WILD & set(posixpath.basename(path)))


def matches(sftp, path):
    """Return (path, attributes) of what the path stands for, by name."""
    path = path.rstrip("/") or "/"
    if not is_wild(path):
        try:
            return [(path, sftp.stat(path))]
        except FileNotFoundError:
            return []
    folder, pattern = posixpath.split(path)
    try:
        names = sftp.listdir(folder or ".")
    except FileNotFoundError:
        return []
    # As in a shell: what begins with a dot is meant only by a pattern that does.
    names = [
        name
        for name in names
        if fnmatch.fnmatchcase(name, pattern)
        and (pattern.startswith(".") or not name.startswith("."))
    ]
    paths = [posixpath.join(folder, name) for name in sorted(names)]
    return [(path, sftp.stat(path)) for path in paths]


def walk(sftp, path, goal, attributes, files, depth=0):
    """Add a file, or a folder with its content, to the files."""
    if len(files) >= MOST_FILES or depth > DEEPEST:
        raise TransferFailed(_("These are too many files, or too deep folders."))
    if not (stat.S_ISDIR(attributes.st_mode) or stat.S_ISREG(attributes.st_mode)):
        return  # a device or a socket has no content to copy
    is_dir = stat.S_ISDIR(attributes.st_mode)
    files.append(
        TransferFile(
            source_path=path,
            target_path=goal,
            is_folder=is_dir,
            size=0 if is_dir else attributes.st_size,
            mode=stat.S_IMODE(attributes.st_mode),
            modified_at=attributes.st_mtime,
        )
    )
    if is_dir:
        for name in sorted(sftp.listdir(path)):
            inner = posixpath.join(path, name)
            try:
                inner_attributes = sftp.stat(inner)
            except FileNotFoundError:
                continue  # a link to nothing
            inner_goal = posixpath.join(goal, name)
            walk(sftp, inner, inner_goal, inner_attributes, files, depth + 1)
