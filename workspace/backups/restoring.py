"""Restore a backup: look first, keep everybody out, all or nothing, tell what it gave.

1. The files are checked whole, and whether they fit this server and this code.
2. New connections are refused everywhere, and the present ones ended.
3. A backup of the present state is made.
4. The database is replaced in one transaction; migrations that the dump lacks follow.
5. Uploaded files come back; caches and the outbox, which belong to what was, are gone.
"""

import logging
import os
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from django.core.files import File
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from config import outages
from config.realtime import EVERYBODY, publish
from config.valkey import valkey
from workspace import outbox, workflows
from workspace.backups import dumps, making, sets, stock
from workspace.models import Upload
from workspace.progress import nothing

log = logging.getLogger(__name__)

END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
AND backend_type = 'client backend' AND application_name <> %s
AND pg_has_role(current_user, usesysid, 'MEMBER')
"""
EVICTION_SECONDS = 0.2
QUIET_ROUNDS = 3
# What outlives a restore: the broker's queues, and what is told of the outage that a
# restore is to all others.
KEPT_KEYS = (
    *(b"_kombu", b"unacked", b"celery"),
    b"madang:chat",  # who is there, and messages that no table has yet
    *(outages.CLOSED_KEY.encode(), b"madang:trouble", b"madang:mailed"),
)


class Refused(sets.BackupError):
    """The backup does not fit; `--force` restores it all the same, where it says so."""


@dataclass(frozen=True)
class Plan:
    """What a restore would do, and what stands against it."""

    one: sets.BackupSet
    contents: dumps.Contents
    server_major: int
    flaw: str | None  # of the files
    newer: list  # migrations of the dump that this code lacks
    older: list  # migrations that the dump lacks

    @property
    def objections(self):
        """What only --force overrides."""
        lines = []
        if self.flaw:
            lines.append(self.flaw)
        if self.contents.server_major != self.server_major:
            lines.append(
                f"The dump is of PostgreSQL {self.contents.server_major}, "
                f"the server is {self.server_major}."
            )
        if self.newer:
            lines.append(f"The dump is newer than this code: {', '.join(self.newer)}.")
        return lines


def plan(one):
    """Look into a set without changing anything; raise BackupError for no dump."""
    try:
        with sets.opened(one, one.dump) as path:
            contents = dumps.contents(path)
    except dumps.DumpFailed as error:
        raise sets.BackupError(f"{one.file} cannot be read: {error}") from error
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    return Plan(
        one,
        contents,
        dumps.server_major(),
        sets.flaw_of(one),
        newer=sorted(".".join(found) for found in contents.migrations - known),
        older=sorted(".".join(found) for found in known - contents.migrations),
    )


def restore(chosen, *, force=False, progress=nothing):
    """Do what a Plan says; return {"before", "uploads", "missing"}.

    `before` names the backup of the state that was replaced, `missing` lists files that
    rows speak of and nobody has. Raises Refused, or BackupError or DumpFailed; then the
    database is as it was.
    """
    if chosen.objections and not force:
        raise Refused(" ".join(chosen.objections))
    one = chosen.one
    log.warning("The backup %s is being restored", one.name)
    try:
        with outages.closed() as stay_closed, _alone(stay_closed):
            before = making.make(progress=progress)
            with sets.opened(one, one.dump) as path:
                dumps.replace_all(path, one.tables, progress)
            connections.close_all()
            call_command("migrate", interactive=False, verbosity=0)
            workflows.interrupt(f"The backup {one.name} was restored.")
            restored = restore_uploads(one, progress)
            forget_what_was()
            stock.take_stock()
    except redis.RedisError as error:
        text = f"Valkey, which keeps others out meanwhile, does not answer: {error}"
        raise sets.BackupError(text) from error
    except Exception:
        log.exception("The backup %s was not restored", one.name)
        raise
    publish(EVERYBODY, "database.restored")
    missing = missing_uploads()
    for key in missing:
        log.warning("The bytes of %s are in no backup", key)
    log.warning("The backup %s is restored", one.name)
    return {"before": before.name, "uploads": restored, "missing": missing}


@contextmanager
def _alone(stay_closed):
    """Keep ending the connections of others; begin when there have been none."""
    connections.close_all()
    os.environ["PGAPPNAME"] = dumps.APPLICATION  # so shall ours be known
    over, alone = threading.Event(), threading.Event()

    def evict():
        quiet = 0
        with dumps.connect(autocommit=True) as connection:
            while not over.wait(EVICTION_SECONDS):
                stay_closed()
                ended = connection.execute(END_OTHERS, [dumps.APPLICATION]).fetchall()
                quiet = 0 if ended else quiet + 1
                if quiet >= QUIET_ROUNDS:
                    alone.set()

    thread = threading.Thread(target=evict, name="evict", daemon=True)
    thread.start()
    try:
        while not alone.wait(1):
            if not thread.is_alive():
                raise sets.BackupError("Other connections could not be ended.")
        yield
    finally:
        over.set()
        thread.join()
        del os.environ["PGAPPNAME"]


def restore_uploads(one, progress=nothing):
    """Put the set's files back where they are missing or differ; return how many."""
    if "uploads" not in one.manifest:
        return 0
    total, restored = one.manifest["uploads"]["count"], 0
    with sets.opened(one, one.uploads) as path, tarfile.open(path) as archive:
        for done, entry in enumerate(archive):
            store, _slash, key = entry.name.partition("/")
            progress(done, total, key)
            storage = storages[store]
            if storage.exists(key):
                if storage.size(key) == entry.size:
                    continue  # a stored file never changes
                storage.delete(key)
            storage.save(key, File(archive.extractfile(entry)))
            restored += 1
    return restored


def forget_what_was():
    """Drop what Valkey knows of the database that is no more, and the outbox."""
    outbox.drop()
    client = valkey()
    for key in client.scan_iter(count=1000):
        if not key.startswith(KEPT_KEYS):
            client.unlink(key)


def missing_uploads():
    """Return the keys that rows speak of and the store of files does not have."""
    storage = storages["uploads"]
    keys = [upload.key for upload in Upload.objects.all()]
    return [key for key in keys if not storage.exists(key)]
