"""The session and the servers' locks: who has them, in all server processes.

All changes happen one after another, under one lock of the database, and each tells
every process of the new state. Who takes something gets its Lease; the process renews
what it holds (see keeping.py): what is not renewed for LEASE_SECONDS is free again.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from config.realtime import publish
from sshops.errors import Failure
from sshops.models import Lease
from sshops.models.leases import SESSION

LEASE_SECONDS = 15
RENEWAL_SECONDS = 4
STATE_GROUP = "sshops.state"
ADVISORY_LOCK = 0x55485300


class SessionTaken(Failure):
    """A session is active already."""

    status = 409
    code = "STUB_SESSION_ALREADY_ACTIVE"
    error_code = 50004


class NoSession(Failure):
    """No session is active; start one first."""

    status = 400
    code = "STUB_SESSION_NOT_ACTIVE"
    error_code = 50005


class SessionOfAnother(Failure):
    """Another connection's session is active; wait until it has ended."""

    status = 403
    code = "STUB_SESSION_PERMISSION_DENIED"
    error_code = 50006


class Locked(Failure):
    """Another connection's command is running there; wait until it has ended."""

    status = 423
    code = "STUB_RESOURCE_LOCKED"
    error_code = 50008


@dataclass(frozen=True)
class State:
    """Who has what: a later state has the higher version."""

    version: int
    session_owner: str | None
    locks: dict  # server name: owner, the oldest first

    @property
    def lock_owner(self):
        return next(iter(self.locks.values()), None)


def state():
    """Return the present State."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        # Below the number of every change that we do not see.
        version = int(cursor.fetchone()[0].split(":")[0]) - 1
        return _state(version)


def _state(version):
    held = Lease.objects.in_force().select_related("server").order_by("id")
    held = held.only("resource", "owner", "server__name")
    locks = {lease.server.name: lease.owner for lease in held if lease.server}
    owners = [lease.owner for lease in held if lease.resource == SESSION]
    return State(version, owners[0] if owners else None, locks)


@contextmanager
def _alone():
    """Let nobody else change leases meanwhile; tell all processes what it led to."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            cursor.execute("SELECT pg_current_xact_id()::text")
            version = int(cursor.fetchone()[0])
        Lease.objects.filter(expires_at__lte=Now()).delete()
        change = Change(version)
        yield change
        change.state = _state(version)
        publish(
            STATE_GROUP,
            "stub.state",
            version=version,
            session_owner=change.state.session_owner,
            locks=change.state.locks,
        )


@dataclass
class Change:
    version: int
    state: State | None = None  # after it
    lease: Lease | None = None  # what was taken


def start_session(owner):
    """Take the session; return the Change. Raise SessionTaken or Locked."""
    with _alone() as change:
        if Lease.objects.filter(resource=SESSION).exists():
            raise SessionTaken
        if Lease.objects.exclude(server=None).exclude(owner=owner).exists():
            raise Locked
        change.lease = _take(SESSION, owner)
    return change


def end_session(owner):
    """Give the session back; return the Change. Raise NoSession, SessionOfAnother."""
    with _alone() as change:
        held = Lease.objects.filter(resource=SESSION).first()
        if held is None:
            raise NoSession
        if held.owner != owner:
            raise SessionOfAnother
        held.delete()
    return change


def has_session(owner):
    """Tell whether the owner holds the session; raise SessionOfAnother."""
    held = Lease.objects.in_force().filter(resource=SESSION).first()
    if held is None:
        return False
    if held.owner != owner:
        raise SessionOfAnother
    return True


def lock(server, owner):
    """Take the server, unless the owner has the session, which covers all of them.

    Return the Change, with the lease that stands for the right to go on. Raise
    SessionOfAnother or Locked.
    """
    with _alone() as change:
        session = Lease.objects.filter(resource=SESSION).first()
        if session is not None and session.owner != owner:
            raise SessionOfAnother
        if session is not None:
            change.lease = session
        elif Lease.objects.filter(server=server).exists():
            raise Locked
        else:
            change.lease = _take(f"server:{server.pk}", owner, server)
    return change


def unlock(lease):
    """Give a server back that lock() has taken; return the Change."""
    with _alone() as change:
        Lease.objects.filter(pk=lease.pk).exclude(server=None).delete()
    return change


def release(owner):
    """Give back everything; for a connection that has gone."""
    if Lease.objects.filter(owner=owner).exists():
        with _alone():
            Lease.objects.filter(owner=owner).delete()


def _take(resource, owner, server=None):
    return Lease.objects.create(
        resource=resource,
        server=server,
        owner=owner,
        expires_at=Now() + timedelta(seconds=LEASE_SECONDS),
    )


def renew(numbers):
    """Renew these leases, by their numbers; return those of them that stand.

    Also gives free what nobody has renewed, so that everybody hears of it.
    """
    held = Lease.objects.filter(pk__in=numbers)
    held.update(expires_at=Now() + timedelta(seconds=LEASE_SECONDS))
    standing = {*held.values_list("pk", flat=True)}
    if Lease.objects.filter(expires_at__lte=Now()).exists():
        with _alone():
            pass
    return standing
