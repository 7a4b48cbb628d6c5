"""The audit log: who did what on which server, and how it ended.

    entry = audit.record(kind="command", user=user, server_name="db1", text="df -h")
    audit.finish(entry, "complete", exit_status=0)

Rows are only added. Each has a seal, made with a secret key from its content and the
seal before it, so that `verify` finds rows that were changed, removed or swapped, even
by somebody who may write to the database.
"""

import hashlib
import hmac
import json
from functools import cache

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sshops.models import AuditEntry, AuditHead
from sshops.models.audit import Outcome

SEALED = [
    *("id", "begin_id", "kind", "user", "client_ip", "connection_id", "server_name"),
    *("text", "outcome", "exit_status", "error_code"),
]


def record(
    *,
    kind,
    user=None,
    connection_id="",
    server_name="",
    text="",
    outcome=Outcome.RUNNING,
    client_ip="",
    exit_status=None,
    error_code=None,
):
    """Add an entry and return it; `user` is a user, an e-mail address, or nobody.

    Waits for other transactions that have added entries: call it in a short one.
    """
    return _append(
        kind=kind,
        user=getattr(user, "email", user) or "",
        client_ip=client_ip or "",
        connection_id=connection_id or "",
        server_name=server_name or "",
        text=_storable(text),
        outcome=outcome,
        exit_status=exit_status,
        error_code=error_code,
    )


def finish(entry, outcome, *, exit_status=None, error_code=None, text=""):
    """Add how an entry ended; who comes second, or after a finished one, adds nothing.

    `text` is for what is known only then, such as how much was typed.
    """
    if entry.is_over:
        return None
    return _append(
        begin=entry,
        kind=entry.kind,
        user=entry.user,
        client_ip=entry.client_ip,
        connection_id=entry.connection_id,
        server_name=entry.server_name,
        text=_storable(text),
        outcome=outcome,
        exit_status=exit_status,
        error_code=error_code,
    )


def _append(begin=None, **fields):
    with transaction.atomic():
        head = _locked_head()
        if begin is not None and AuditEntry.objects.filter(begin=begin).exists():
            return None
        entry = AuditEntry(id=head.newest + 1, begin=begin, at=timezone.now(), **fields)
        entry.seal = sealed(entry, head.seal)
        entry.save(force_insert=True)
        head.newest, head.seal = entry.id, entry.seal
        head.save(update_fields=["newest", "seal"])
    return entry


def _locked_head():
    heads = AuditHead.objects.select_for_update()
    head = heads.first()
    if head is None:
        AuditHead.objects.bulk_create([AuditHead(seal=b"")], ignore_conflicts=True)
        head = heads.get()
    return head


def _storable(text):
    return text.replace("\0", "\\0")  # PostgreSQL keeps no zero character


def sealed(entry, before):
    """Return the seal of an entry that follows one with the seal `before`."""
    content = [getattr(entry, name) for name in SEALED]
    content.append(entry.at.timestamp())
    return hmac.digest(
        _key(), bytes(before) + json.dumps(content).encode(), hashlib.sha256
    )


@cache
def _key():
    key = settings.SSHOPS_AUDIT_KEY or settings.SECRET_KEY
    return hashlib.sha256(b"audit:" + key.encode()).digest()


def verify():
    """Yield (id, what is wrong) for each row that is not as it was written.

    After a wrong row the check goes on from the seal found there, so that one change
    is told once and does not hide the next.
    """
    expected, seal = 1, b""
    for entry in AuditEntry.objects.order_by("id").iterator(2000):
        if entry.id != expected:
            yield expected, "removed" if entry.id == expected + 1 else "removed from"
        elif not hmac.compare_digest(sealed(entry, seal), bytes(entry.seal)):
            yield entry.id, "changed"
        expected, seal = entry.id + 1, bytes(entry.seal)
    head = AuditHead.objects.first()
    newest, newest_seal = (head.newest, bytes(head.seal)) if head else (0, b"")
    if newest >= expected:
        yield expected, "removed from"
    elif (newest, newest_seal) != (expected - 1, seal):
        yield expected - 1, "not the end that was written"
