"""Rows that cannot be stored now: kept durably, and stored when the database is back.

A row waits in Valkey when that has an append-only file and says that it is on disk
there; else in a file of its own below DATA_DIR, fsynced. Its `version` counts how often
it was written, so that rows may be stored twice, late, or in any order: the newest
stays.
"""

import logging
import os
import secrets
import time

import redis
from django.conf import settings
from django.core import serializers
from django.db import IntegrityError, OperationalError, transaction

from config import outages
from config.valkey import valkey

log = logging.getLogger(__name__)

KEY = "madang:outbox"
ON_DISK_MS = 900  # below the client's own patience


def store(row):
    """Store a row, now or as soon as the database is back; tell whether it was now."""
    row.version += 1
    try:
        _put(row)
    except OperationalError as error:
        if not outages.noticed(error):
            raise
        append(row)
        return False
    return True


def append(row):
    """Keep a row until flush()."""
    text = serializers.serialize("json", [row])
    if not _into_valkey(text):
        _into_file(text)
    log.warning("%s waits in the outbox", row)


def flush():
    """Store what waits, the oldest first; return how many rows.

    Raises OperationalError while the database is away; what is left waits on.
    """
    return _flush_valkey() + _flush_files()


def size():
    """Return how many rows wait."""
    try:
        waiting = valkey().llen(KEY)
    except redis.RedisError:
        waiting = 0
    return waiting + len(_files())


def drop():
    """Forget what waits: it belongs to a database that is no more."""
    valkey().delete(KEY)
    for path in _files():
        path.unlink(missing_ok=True)


def _put(row):
    """Store a row unless the database has it as new or newer."""
    with transaction.atomic():
        model = type(row)
        present = model.objects.select_for_update().filter(pk=row.pk).first()
        if present is None or present.version < row.version:
            row.save(force_insert=present is None, force_update=present is not None)


def _put_text(text):
    for found in serializers.deserialize("json", text):
        try:
            _put(found.object)
        except IntegrityError as error:
            log.error("A row of the outbox fits no longer: %s %s", error, text)


# In Valkey


def _into_valkey(text):
    """Tell whether a row is on the disk of Valkey."""
    try:
        client = valkey()
        client.rpush(KEY, text)
        try:
            on_disk, _replicas = client.waitaof(1, 0, ON_DISK_MS)
        except redis.ResponseError:
            on_disk = 0  # there is no append-only file
        if not on_disk:
            client.lrem(KEY, -1, text)
        return bool(on_disk)
    except redis.RedisError:
        return False


def _flush_valkey():
    stored = 0
    try:
        while text := valkey().lindex(KEY, 0):
            _put_text(text)
            valkey().lrem(KEY, 1, text)
            stored += 1
    except redis.RedisError as error:
        log.warning("The outbox in Valkey waits: %s", error)
    return stored


# In files


def _folder():
    return settings.DATA_DIR / "outbox"


def _files():
    return sorted(_folder().glob("*.json"))


def _into_file(text):
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns():020}-{secrets.token_hex(4)}.json"
    partial = folder / f"{name}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(folder / name)
    sync(folder)


def sync(folder):
    """Have a folder's names on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_files():
    stored = 0
    for path in _files():
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            continue  # another process was faster
        _put_text(text)
        path.unlink(missing_ok=True)
        stored += 1
    return stored
