"""Which files a transfer copies, and to where: looked up by SFTP, never by a shell."""

import fnmatch
import posixpath
import re
import stat

from django.utils.translation import gettext as _

from sshops.models import TransferFile
from sshops.places import is_folder, meant, naming, stored
from sshops.sftp_listing import entries
from sshops.transfers import TransferFailed

MOST_FILES = 200_000
DEEPEST = 64
WILD = set("*?[")
ANY = re.compile("")


def planned(run, source, wire, target):
    """Return the TransferFiles of a run.

    `source` and `target` are SFTP clients, `wire` is a Wire to the source. Raise
    TransferFailed where nothing matches or check_goals() refuses something, and what
    SFTP raises.
    """
    source_path = run.source_path.rstrip("/") or "/"
    into_folder = (
        run.target_path.endswith("/")
        or is_wild(source_path)
        or is_folder(target, run.target_path)
    )
    files = []
    for path, status in matches(source, wire, source_path):
        goal = run.target_path.rstrip("/") or "/"
        if into_folder:
            goal = posixpath.join(goal, posixpath.basename(path))
        walk(source, wire, path, goal, status, files)
    if not files:
        raise TransferFailed(_("Nothing is there to copy."), detail=run.source_path)
    check_goals(target, files)
    for position, file in enumerate(files):
        file.run, file.position = run, position
    return files


def is_wild(path):
    return bool(WILD & set(posixpath.basename(path)))


def matches(sftp, wire, path):
    """Return (path, status) of what the path stands for, by name."""
    if not is_wild(path):
        status = status_of(sftp, path)
        return [] if status is None else [(path, status)]
    folder, pattern = posixpath.split(path)
    # As in a shell: what begins with a dot is meant only by a pattern that does.
    pattern = re.compile(
        ("" if pattern.startswith(".") else r"(?!\.)") + fnmatch.translate(pattern)
    )
    try:
        found = inside(sftp, wire, folder or ".", pattern)
    except FileNotFoundError:
        return []
    return [(posixpath.join(folder, name), status) for name, status in found]


def inside(sftp, wire, folder, pattern=ANY):
    """Return (name, status) of what a folder has; links that lead nowhere are not."""
    names = [entry.exact_name for entry in entries(wire, folder)]
    found = [
        (name, status_of(sftp, posixpath.join(folder, name)))
        for name in sorted(filter(pattern.match, names))
    ]
    return [(name, status) for name, status in found if status is not None]


def status_of(sftp, path):
    """Return the status of a path, links followed, or None where nothing is."""
    with naming(path):
        try:
            return sftp.stat(path)
        except FileNotFoundError:
            return None


def walk(sftp, wire, path, goal, status, files, depth=0):
    """Add a file, or a folder with its content, to the files."""
    if len(files) >= MOST_FILES or depth > DEEPEST:
        text = _("These are too many files, or too deep folders.")
        raise TransferFailed(text, detail=stored(path))
    is_dir = stat.S_ISDIR(status.st_mode)
    if not (is_dir or stat.S_ISREG(status.st_mode)):
        return  # a device or a socket has no content to copy
    files.append(
        TransferFile(
            source_path=stored(path),
            target_path=stored(goal),
            is_folder=is_dir,
            size=0 if is_dir else status.st_size,
            mode=stat.S_IMODE(status.st_mode),
            modified_at=status.st_mtime,
        )
    )
    if is_dir:
        for name, inner in inside(sftp, wire, path):
            below = posixpath.join(path, name), posixpath.join(goal, name)
            walk(sftp, wire, *below, inner, files, depth + 1)


def check_goals(sftp, files):
    """Raise TransferFailed where something is in the way of the files, or two of them
    would come to the same place."""
    folders = {}  # whether they are there
    taken = set()
    for file in files:
        goal = place = meant(file.target_path)
        above = posixpath.dirname(goal)
        if above not in folders:
            folders[above] = is_folder(sftp, above or ".")
        if file.is_folder:
            folders[goal] = folders[above] and has_folder(sftp, goal)
        elif folders[above]:
            place = place_of(sftp, goal)
        if place in taken:
            text = _("Two files would come to the same place.")
            raise TransferFailed(text, detail=file.target_path)
        taken.add(place)


def has_folder(sftp, path):
    """Tell whether a folder is there; raise TransferFailed where something else is."""
    status = status_of(sftp, path)
    if status is not None and not stat.S_ISDIR(status.st_mode):
        text = _("What is there is no folder; it is not replaced.")
        raise TransferFailed(text, detail=stored(path))
    return status is not None


def place_of(sftp, path):
    """Return where a file comes to, a link followed; raise TransferFailed where
    something is that is no file."""
    place = path
    with naming(path):
        try:
            status = sftp.lstat(path)
        except FileNotFoundError:
            return path
        if stat.S_ISLNK(status.st_mode):
            place = sftp.normalize(path)
            status = status_of(sftp, place)
    if status is not None and not stat.S_ISREG(status.st_mode):
        text = _("What is there is no ordinary file; it is not overwritten.")
        raise TransferFailed(text, detail=stored(path))
    return place
