"""Backup sets: a dump of the database, the uploaded files, and a manifest of both.

A set is made under other names and renamed when it is complete, the dump last: a dump
that is there is whole. The manifest holds sizes, checksums and the fingerprint of every
table, and when the set was last proven; the rows of Backup are made from it. Copies go
to the bucket WORKSPACE_BACKUP_BUCKET_NAME, if one is named.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import tarfile
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.db import OperationalError
from django.utils import timezone

from config import alerts, outages
from workspace import dumps, outbox, sealing
from workspace.models import Backup

log = logging.getLogger(__name__)

STAMP = "%Y-%m-%d_%H%M%S"  # in UTC
STAMPED = re.compile(r"full_backup_(\d{4}-\d{2}-\d{2}_\d{6})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
PARTIAL, MANIFEST, UPLOADS, SEALED = ".partial", ".json", ".uploads.tar", ".sealed"
STORES = ("uploads", "recordings")  # of STORAGES: the files that rows speak of
ELSEWHERE = "backups"
LEFTOVER_SECONDS = 86_400


class BackupError(Exception):
    """A backup cannot be made, found or used; the text tells why."""


def nothing(done, total, text=""):
    """Progress that nobody watches."""


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


# Make one


def make(file=None, progress=nothing):
    """Make a backup set and return it; a failure is noted and told before it is raised.

    A file of that name is never overwritten: BackupError.
    """
    began = timezone.now()
    one = reserve(file)
    try:
        dumped = dump(one, progress)
        packed = pack_uploads(one, progress)
        complete(one, began, dumped, packed)
        copy_elsewhere(one, progress)
    except BaseException as error:
        failed(one, began, error)
        raise
    return find(one.file)


def reserve(file=None):
    """Return a set of a name that nobody else has."""
    if file is not None:
        check_name(file)
        return _reserved(file)
    while True:
        sealed = SEALED if settings.WORKSPACE_BACKUP_KEY else ""
        stamp = timezone.now().astimezone(UTC).strftime(STAMP)
        with suppress(BackupError):
            return _reserved(f"full_backup_{stamp}.dump{sealed}")


def _reserved(file):
    one = BackupSet(file)
    if one.name.endswith((MANIFEST, PARTIAL, UPLOADS)):
        raise BackupError(f"{file} is a name that backups use for themselves.")
    if any(path.exists() for path in one.paths):
        raise BackupError(f"{file} exists already; a backup is never overwritten.")
    try:
        _partial(one.dump).touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise BackupError(f"{file} is being made already.") from error
    return one


def dump(one, progress=nothing):
    """Dump the database under the set's partial name; return what the manifest says."""
    path = _partial(one.dump)
    made = dumps.make(path, progress)
    return {**made, "dump": _finished(path, one.file)}


def pack_uploads(one, progress=nothing):
    """Put uploaded files into an archive under its partial name, likewise."""
    path = _partial(one.uploads)
    files = [(store, key) for store in STORES for key in _keys(storages[store])]
    count = 0
    with tarfile.open(path, "w") as archive:
        for done, (store, key) in enumerate(files):
            progress(done, len(files), key)
            try:
                count += _add(archive, store, key)
            except FileNotFoundError:
                log.info("%s was removed while it was backed up", key)
    return {"uploads": {**_finished(path, one.uploads.name), "count": count}}


def _add(archive, store, key):
    storage = storages[store]
    entry = tarfile.TarInfo(f"{store}/{key}")
    entry.size, entry.mode = storage.size(key), 0o600
    with storage.open(key, "rb") as content:
        archive.addfile(entry, content)
    return 1


def _keys(storage, below=""):
    """Yield the key of every file of a storage."""
    try:
        folders, files = storage.listdir(below)
    except FileNotFoundError:  # nothing was stored yet
        return
    for name in sorted(files):
        yield f"{below}{name}"
    for name in sorted(folders):
        yield from _keys(storage, f"{below}{name}/")


def complete(one, began, dumped, packed):
    """Give the set's files their names: from now on it is there, and whole."""
    if not one.dump.exists():  # else a run that was interrupted comes here again
        manifest = {
            "name": one.name,
            "started_at": began.isoformat(),
            "finished_at": timezone.now().isoformat(),
            "is_sealed": bool(settings.WORKSPACE_BACKUP_KEY),
            **dumped,
            **packed,
        }
        if _partial(one.uploads).exists():
            _partial(one.uploads).rename(one.uploads)
        write_manifest(one, manifest)
        _partial(one.dump).rename(one.dump)
        outbox.sync(folder())
    log.info("Backup %s is complete", one.name)
    take_stock()


def write_manifest(one, manifest):
    """Replace the manifest of a set, whole."""
    path = _partial(one.manifest_path)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o600)
    path.rename(one.manifest_path)


def failed(one, began, error):
    """Clear away what there is of a set; note and tell that it failed."""
    for path in one.paths:
        _partial(path).unlink(missing_ok=True)
    text = str(error) or type(error).__name__
    outbox.store(
        Backup(
            name=one.name,
            started_at=began,
            finished_at=timezone.now(),
            outcome=Backup.Outcome.FAILED,
            error=text,
        )
    )
    alerts.tell(
        "backup",
        subject="A backup failed",
        text=f"The backup {one.name} failed: {text}",
    )


def _partial(path):
    return path.with_name(path.name + PARTIAL)


def _finished(path, name):
    """Seal a file if there is a key, have it on disk, and return what it is."""
    if key := settings.WORKSPACE_BACKUP_KEY:
        sealed = path.with_name(f"{path.name}{SEALED}")
        with open(path, "rb") as source, open(sealed, "wb") as target:
            sealing.seal(source, target, key)
        sealed.rename(path)
    path.chmod(0o600)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"file": name, "size": file.tell(), "sha256": digest}


# Check one


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


def note_proof(one, flaw):
    """Write down that a set was proven just now, or what is wrong with it."""
    manifest = {**one.manifest, "flaw": flaw or ""}
    if not flaw:
        manifest["proven_at"] = timezone.now().isoformat()
    write_manifest(one, manifest)
    take_stock()


# Elsewhere, and no more


def copy_elsewhere(one, progress=nothing):
    """Copy a complete set into the bucket, the dump last; tell if there is a bucket."""
    if ELSEWHERE not in settings.STORAGES:
        return False
    one = find(one.file)
    for done, path in enumerate(one.paths):
        progress(done, len(one.paths), path.name)
        with open(path, "rb") as file:
            storages[ELSEWHERE].save(path.name, File(file))
    write_manifest(one, {**one.manifest, "is_elsewhere": True})
    take_stock()
    return True


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
                partial = _partial(path)
                with storage.open(path.name) as source, open(partial, "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                partial.rename(path)
            write_manifest(one, {**manifest, "is_elsewhere": True})
            take_stock()
            return find(one.file)
    return None


def tidy():
    """Remove all but the newest WORKSPACE_BACKUP_KEEP sets; return their names.

    Sets of other names than ours were asked for by name, and stay.
    """
    old = [one for one in listed() if one.moment][settings.WORKSPACE_BACKUP_KEEP :]
    for one in old:
        for path in reversed(one.paths):  # the dump first: no set is half there
            path.unlink(missing_ok=True)
            if ELSEWHERE in settings.STORAGES:
                storages[ELSEWHERE].delete(path.name)
    oldest = time.time() - LEFTOVER_SECONDS
    for path in folder().glob(f"*{PARTIAL}"):  # of a process that was killed
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    take_stock()
    return [one.name for one in old]


def take_stock():
    """Make the rows of Backup agree with the folder; not yet, in an outage."""
    try:
        _take_stock()
    except OperationalError as error:
        if not outages.noticed(error):
            raise


def _take_stock():
    sets = {one.name: one for one in listed()}
    rows = {row.name: row for row in Backup.objects.all()}
    for name, row in rows.items():
        if row.outcome == Backup.Outcome.COMPLETE and name not in sets:
            row.delete()
    for name, one in sets.items():
        row = rows.get(name) or Backup(name=name)
        told = _as_row(one)
        if any(getattr(row, key) != value for key, value in told.items()):
            for key, value in told.items():
                setattr(row, key, value)
            outbox.store(row)


def _as_row(one):
    manifest = one.manifest
    proven = manifest.get("proven_at")
    return {
        "started_at": datetime.fromisoformat(manifest["started_at"]),
        "finished_at": datetime.fromisoformat(manifest["finished_at"]),
        "outcome": Backup.Outcome.COMPLETE,
        "error": "",
        "file": one.file,
        "size": manifest["dump"]["size"] + manifest["uploads"]["size"],
        "sha256": manifest["dump"]["sha256"],
        "uploads": manifest["uploads"]["count"],
        "is_encrypted": one.is_sealed,
        "is_elsewhere": bool(manifest.get("is_elsewhere")),
        "proven_at": proven and datetime.fromisoformat(proven),
        "flaw": manifest.get("flaw", ""),
    }
