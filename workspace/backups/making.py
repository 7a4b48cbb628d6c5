"""Make a set: dump, pack, give it its name, copy it elsewhere; remove old ones.

A set is made under other names and renamed when it is complete, the dump last: a dump
that is there is whole. Copies go to the bucket WORKSPACE_BACKUP_BUCKET_NAME, if one is
named.
"""

import hashlib
import logging
import os
import tarfile
import time
from contextlib import suppress
from datetime import UTC

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.utils import timezone

from config import alerts
from workspace import outbox
from workspace.backups import dumps, sealing, sets
from workspace.backups.stock import take_stock
from workspace.models import Backup
from workspace.progress import nothing

log = logging.getLogger(__name__)

LEFTOVER_SECONDS = 86_400


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
    return sets.find(one.file)


def reserve(file=None):
    """Return a set of a name that nobody else has."""
    if file is not None:
        sets.check_name(file)
        return _reserved(file)
    while True:
        sealed = sets.SEALED if settings.WORKSPACE_BACKUP_KEY else ""
        stamp = timezone.now().astimezone(UTC).strftime(sets.STAMP)
        with suppress(sets.BackupError):
            return _reserved(f"full_backup_{stamp}.dump{sealed}")


def _reserved(file):
    one = sets.BackupSet(file)
    if one.name.endswith((sets.MANIFEST, sets.PARTIAL, sets.UPLOADS)):
        raise sets.BackupError(f"{file} is a name that backups use for themselves.")
    if any(path.exists() for path in one.paths):
        raise sets.BackupError(f"{file} exists already; a backup is never overwritten.")
    try:
        sets.partial(one.dump).touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise sets.BackupError(f"{file} is being made already.") from error
    return one


def dump(one, progress=nothing):
    """Dump the database under the set's partial name; return what the manifest says."""
    path = sets.partial(one.dump)
    made = dumps.make(path, progress)
    return {**made, "dump": _finished(path, one.file)}


def pack_uploads(one, progress=nothing):
    """Put uploaded files into an archive under its partial name, likewise."""
    path = sets.partial(one.uploads)
    files = [(store, key) for store in sets.STORES for key in _keys(storages[store])]
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
        if sets.partial(one.uploads).exists():
            sets.partial(one.uploads).rename(one.uploads)
        sets.write_manifest(one, manifest)
        sets.partial(one.dump).rename(one.dump)
        outbox.sync(sets.folder())
    log.info("Backup %s is complete", one.name)
    take_stock()


def failed(one, began, error):
    """Clear away what there is of a set; note and tell that it failed."""
    for path in one.paths:
        sets.partial(path).unlink(missing_ok=True)
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


def _finished(path, name):
    """Seal a file if there is a key, have it on disk, and return what it is."""
    if key := settings.WORKSPACE_BACKUP_KEY:
        sealed = path.with_name(f"{path.name}{sets.SEALED}")
        with open(path, "rb") as source, open(sealed, "wb") as target:
            sealing.seal(source, target, key)
        sealed.rename(path)
    path.chmod(0o600)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"file": name, "size": file.tell(), "sha256": digest}


# Elsewhere, and no more


def copy_elsewhere(one, progress=nothing):
    """Copy a complete set into the bucket, the dump last; tell if there is a bucket."""
    if sets.ELSEWHERE not in settings.STORAGES:
        return False
    one = sets.find(one.file)
    for done, path in enumerate(one.paths):
        progress(done, len(one.paths), path.name)
        with open(path, "rb") as file:
            storages[sets.ELSEWHERE].save(path.name, File(file))
    sets.write_manifest(one, {**one.manifest, "is_elsewhere": True})
    take_stock()
    return True


def tidy():
    """Remove all but the newest WORKSPACE_BACKUP_KEEP sets; return their names.

    Sets of other names than ours were asked for by name, and stay.
    """
    old = [one for one in sets.listed() if one.moment][settings.WORKSPACE_BACKUP_KEEP :]
    for one in old:
        for path in reversed(one.paths):  # the dump first: no set is half there
            path.unlink(missing_ok=True)
            if sets.ELSEWHERE in settings.STORAGES:
                storages[sets.ELSEWHERE].delete(path.name)
    oldest = time.time() - LEFTOVER_SECONDS
    for path in sets.folder().glob(f"*{sets.PARTIAL}"):  # of a process that was killed
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    take_stock()
    return [one.name for one in old]
