"""Stored positions: written in bulk, swept by age; and the last ones, in Valkey.

Rows wait as the bytes that PostgreSQL's binary COPY takes, so that storing ten thousand
of them costs one join and one write.
"""

import struct
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.valkey import valkey
from roadblock.models import Position

LAST_KEY = "roadblock:last-positions"  # hash: id -> LAST

LAST = struct.Struct("<ffd")  # x, y in metres, Unix time
# Four fields, each led by its length: bigint, float8, float8, timestamptz
ROW = struct.Struct("!hiqididiq")
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
COPY = (
    "COPY roadblock_position (vehicle_id, x, y, created_at) FROM STDIN (FORMAT BINARY)"
)
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
SWEEP_ROWS = 50_000
ARRIVED = 15.0  # metres from its post within which a car counts as there


def row(id, x, y, moment):
    """Return a position as a row of a binary COPY; moment is Unix time."""
    micros = round((moment - POSTGRES_EPOCH) * 1e6)
    return ROW.pack(4, 8, id, 8, x, 8, y, 8, micros)


def store(rows):
    """Append rows made by `row()` to the track table, all or none."""
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.write(HEADER + b"".join(rows) + TRAILER)


def sweep():
    """Delete rows older than ROADBLOCK_TRACK_KEEP_DAYS; return how many.

    In batches: a single statement over millions of rows would hold up vacuum and
    swell the write-ahead log.
    """
    oldest = timezone.now() - timedelta(days=settings.ROADBLOCK_TRACK_KEEP_DAYS)
    swept = 0
    while True:
        batch = Position.objects.filter(created_at__lt=oldest).values("pk")[:SWEEP_ROWS]
        deleted, _ = Position.objects.filter(pk__in=batch).delete()
        swept += deleted
        if deleted < SWEEP_ROWS:
            return swept


def last_positions(ids=None):
    """Return {id: (x, y, Unix time)} of every car that was ever heard, or of these."""
    if ids is None:
        found = valkey().hgetall(LAST_KEY)
    else:
        ids = list(ids)
        found = dict(
            zip(ids, valkey().hmget(LAST_KEY, ids) if ids else [], strict=True)
        )
    return {int(id): LAST.unpack(value) for id, value in found.items() if value}


def forget(id):
    """Drop the last position of a retired car."""
    valkey().hdel(LAST_KEY, id)
