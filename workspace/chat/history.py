"""Messages of groups that are kept: read, stored in batches, swept by age.

A message is in Valkey's stream the moment it is sent; a task moves what is there into
the database every few seconds. Who reads looks at both, so the history is complete at
once, and a database that is away only makes the stream longer (up to BUFFER_BYTES).
"""

import logging
import time
from datetime import timedelta

import msgpack
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction

from config.valkey import valkey
from workspace.chat import scripts
from workspace.chat.directory import ask
from workspace.models import ChatGroup, ChatMessage, ReadMark

log = logging.getLogger(__name__)

KEPT = "madang:chat:kept"
BATCH = 500
SWEEP_ROWS = 20_000


# Reading


def since(group, last, most):
    """Return up to `most` messages of a group after the one of id `last`, in order.

    For sockets: without the database it is what is still in the stream.
    """
    try:
        return after(group, last, most)
    except DatabaseError as error:
        log.warning("A client gets no more than the latest messages: %s", error)
        return waiting(group, last)[:most]


def after(group, last, most):
    """Return up to `most` messages of a group after the one of id `last`, in order."""
    # The stream first: what the task moves meanwhile is then in both, not in neither.
    found = waiting(group, last)
    rows = ChatMessage.objects.filter(group=group, id__gt=last)[:most]
    return merged(rows, found)[:most]


def before(group, first, most):
    """Return the last messages of a group before the one of id `first`, in order."""
    found = [message for message in waiting(group, 0) if message["id"] < first]
    rows = ChatMessage.objects.filter(group=group, id__lt=first).order_by("-id")[:most]
    return merged(rows, found)[-most:]


def waiting(group, last):
    """Return the messages of a group after an id that are not stored yet."""
    return [
        message for _id, _size, message in stream(last + 1) if message["room"] == group
    ]


def stream(first, most=None):
    """Return (stream id, size, message) from an id on."""
    return [
        (id, int(fields[b"size"]), msgpack.unpackb(fields[b"message"]))
        for id, fields in ask(valkey().xrange, KEPT, f"{first}-0", "+", most)
    ]


def merged(rows, found):
    """Return stored and waiting messages in order, each once."""
    messages = {message["id"]: message for message in found}
    messages |= {row.id: of_row(row) for row in rows}
    return [messages[id] for id in sorted(messages)]


def of_row(row):
    return {
        "id": row.id,
        "kind": row.kind,
        "room": row.group,
        "sender": row.sender or None,
        "user_id": str(row.user_id) if row.user_id else None,
        "text": row.text,
        "sent_at": row.id,
    }


# Storing


def store():
    """Move what waits into the database; return how many messages there were.

    A message that was stored and not yet taken out of the stream is stored only once.
    """
    count = 0
    while batch := stream(0, BATCH):
        insert([message for _id, _size, message in batch])
        taken_out = [value for id, size, _message in batch for value in (id, size)]
        ask(valkey().eval, scripts.STORED, 0, *taken_out)
        count += len(batch)
    return count


def insert(messages):
    users = {message.get("user_id") for message in messages} - {None}
    # A person may have gone, with a backup that was restored.
    there = get_user_model().objects.filter(pk__in=users).values_list("pk", flat=True)
    there = {str(pk) for pk in there}
    rows = [
        ChatMessage(
            id=message["id"],
            group=message["room"],
            kind=message["kind"],
            sender=message.get("sender", ""),
            user_id=user if (user := message.get("user_id")) in there else None,
            # PostgreSQL knows no such sign.
            text=message["text"].replace("\0", "\ufffd"),
        )
        for message in messages
    ]
    last = {row.group: row.id for row in rows}
    with transaction.atomic():
        ChatMessage.objects.bulk_create(rows, ignore_conflicts=True)
        ChatGroup.objects.bulk_create(
            [ChatGroup(name=name, last_id=id) for name, id in sorted(last.items())],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["last_id"],
        )


def sweep():
    """Forget messages older than WORKSPACE_CHAT_KEEP_DAYS; return how many."""
    age = timedelta(days=settings.WORKSPACE_CHAT_KEEP_DAYS)
    oldest = int((time.time() - age.total_seconds()) * 1e6)
    swept = 0
    while True:
        batch = ChatMessage.objects.filter(id__lt=oldest).values("pk")[:SWEEP_ROWS]
        deleted, _ = ChatMessage.objects.filter(pk__in=batch).delete()
        swept += deleted
        if deleted < SWEEP_ROWS:
            break
    ChatGroup.objects.filter(last_id__lt=oldest).delete()
    ReadMark.objects.filter(last_id__lt=oldest).delete()
    return swept
