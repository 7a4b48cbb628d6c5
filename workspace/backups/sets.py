"""The sets there are: their names, files and manifests, and whether they are whole."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import storages

from workspace.backups import sealing

STAMP = "%Y-%m-%d_%H%M%S"  # in UTC
STAMPED = re.compile(r"full_backup_(\d{4}-\d{2}-\d{2}_\d{6})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
PARTIAL, MANIFEST, UPLOADS, SEALED = ".partial", ".json", ".uploads.tar", ".sealed"
STORES = ("uploads", "recordings")  # of STORAGES: the files that rows speak of
ELSEWHERE = "backups"


class BackupError(Exception):
    """A backup cannot be made, found or used; the text tells why."""


@dataclass(frozen=True)
class BackupSet:
    """The files of one backup; a dump from elsewhere has no manifest."""

    file: str  # the dump's own name
    manifest: dict = field(default_factory=dict, compare=False)

    @property
    def name(self):
        return self.file.partition(".")[0] if STAMPED.match(self.file) else self.file

    @property
    def dump(self):
        return folder() / self.file

    @property
    def uploads(self):
        sealed = SEALED if settings.WORKSPACE_BACKUP_KEY else ""
        return folder() / self.manifest.get("uploads", {}).get(
            "file", f"{self.name}{UPLOADS}{sealed}"
        )

    @property
    def manifest_path(self):
        return folder() / f"{self.name}{MANIFEST}"

    @property
    def moment(self):
        """When it was made, by its name; None for a name of another form."""
        stamp = STAMPED.match(self.file)
        return datetime.strptime(stamp[1], STAMP).replace(tzinfo=UTC) if stamp else None

    @property
    def is_sealed(self):
        return bool(self.manifest.get("is_sealed"))

    @property
    def tables(self):
        return self.manifest.get("tables", {})

    @property
    def paths(self):
        return [self.uploads, self.manifest_path, self.dump]


def folder():
    """Return the folder of backups, which only we may read."""
    settings.WORKSPACE_BACKUP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    return settings.WORKSPACE_BACKUP_DIR


# Which there are


def listed():
    """Return the complete sets, the newest first; those of other names at the end."""
    found = []
    for path in folder().glob(f"*{MANIFEST}"):
        with suppress(FileNotFoundError, ValueError):
            manifest = json.loads(path.read_text("utf-8"))
            if (folder() / manifest["dump"]["file"]).is_file():
                found.append(BackupSet(manifest["dump"]["file"], manifest))
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda one: one.moment or oldest, reverse=True)


def newest():
    """Return the newest complete set by the moment in its name; raise BackupError."""
    for one in listed():
        if one.moment:
            return one
    raise BackupError(f"There is no complete backup in {folder()}.")


def find(name):
    """Return the set of a file's name, with or without the folder in front.

    A file without a manifest counts, too. One that is only elsewhere is fetched. Raise
    BackupError.
    """
    path = Path(name)
    if path.parent not in (Path(), Path(folder().name), folder()):
        raise BackupError(f"{name} does not lie in {folder()}.")
    check_name(path.name)
    for one in listed():
        if path.name in (one.file, one.name):
            return one
    if (folder() / path.name).is_file() and not path.name.endswith(PARTIAL):
        return BackupSet(path.name)
    if fetched := fetch(path.name):
        return fetched
    raise BackupError(f"There is no backup {path.name} in {folder()}.")


def check_name(name):
    """Raise BackupError for a file's name that is more than a name."""
    if not NAME.fullmatch(name):
        raise BackupError(
            f"{name!r} is no name for a backup: letters, digits, point, hyphen and "
            "underscore, at most 80, without a folder."
        )


def fetch(name):
    """Bring a set back from the bucket and return it; None when it is not there."""
    if ELSEWHERE not in settings.STORAGES:
        return None
    storage = storages[ELSEWHERE]
    _folders, names = storage.listdir("")
    for manifest_name in (one for one in names if one.endswith(MANIFEST)):
        with storage.open(manifest_name) as file:
            manifest = json.load(file)
        one = BackupSet(manifest["dump"]["file"], manifest)
        if name in (one.file, one.name) and one.file in names:
            for path in one.paths:
                fresh = partial(path)
                with storage.open(path.name) as source, open(fresh, "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                fresh.rename(path)
            write_manifest(one, {**manifest, "is_elsewhere": True})
            return find(one.file)
    return None


# Their files


def write_manifest(one, manifest):
    """Replace the manifest of a set, whole."""
    path = partial(one.manifest_path)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o600)
    path.rename(one.manifest_path)


def partial(path):
    return path.with_name(path.name + PARTIAL)


def flaw_of(one):
    """Return what is wrong with the files of a set by size and checksum, or None."""
    for kind in ("dump", "uploads"):
        told = one.manifest.get(kind)
        if told is None:
            return f"No checksum is known of {one.file}: it was not made here."
        path = folder() / told["file"]
        if not path.is_file():
            return f"{path.name} is missing."
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != told["sha256"]:
            return f"{path.name} is not as it was made: its checksum differs."
    return None


@contextmanager
def opened(one, path):
    """Yield the path of one of the set's files as it was before it was sealed."""
    if not one.is_sealed:
        yield path
        return
    key = settings.WORKSPACE_BACKUP_KEY
    if not key:
        raise BackupError(f"{path.name} is sealed; set WORKSPACE_BACKUP_KEY.")
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".open-") as place:
        plain = Path(place) / path.name
        try:
            with open(path, "rb") as source, open(plain, "wb") as target:
                sealing.unseal(source, target, key)
        except sealing.WrongKey as error:
            raise BackupError(f"WORKSPACE_BACKUP_KEY does not open {path}.") from error
        yield plain
