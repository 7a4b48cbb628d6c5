"""Servers come and go, and change: what an operator may do, and what follows."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from config.realtime import publish
from sshops import audit, health, host_keys, terminals
from sshops.errors import AlreadyExists, Failure, NotFound
from sshops.models import Server
from sshops.models.servers import key_of

SERVERS_GROUP = "sshops.servers"
PLACE = ("host", "port", "jump_id", "is_active")


class InUse(Failure):
    """This is in use elsewhere; change that first."""

    status = 423
    code = "RESOURCE_LOCKED"
    error_code = 13002


def place_of(server):
    """Return what decides where checks look; compare it before and after a change."""
    return tuple(getattr(server, name) for name in PLACE)


def visible(user, name):
    """Return a server, in use or not; raise NotFound."""
    servers = Server.objects.visible_to(user).select_related("health", "jump")
    server = servers.filter(name=key_of(name)).first()
    if server is None:
        raise NotFound(_("There is no server of this name."))
    return server


def create(by, **values):
    """Store a server; raise AlreadyExists."""
    server = Server(**values)
    try:
        with transaction.atomic():
            server.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyExists from error
    saved(server, by)
    return server


def change(server, by, **values):
    """Change some of a server's values; raise AlreadyExists."""
    place, key = place_of(server), server.host_key
    for name, value in values.items():
        setattr(server, name, value)
    try:
        with transaction.atomic():
            # Only what is given: a host key may be pinned at this very moment.
            server.save(update_fields=[*values, "updated_at"])
    except IntegrityError as error:
        raise AlreadyExists from error
    saved(server, by, place=place, key=key)


def saved(server, by, *, place=None, key=""):
    """Do what follows from a change; `place` and `key` are those from before it."""
    if place is not None and place != place_of(server):
        health.forget(server)
    if server.host_key != key:
        if server.offered_host_key == server.host_key:
            host_keys.forget_offer(server)
        audit.record(
            kind="host_key",
            user=by,
            server_name=server.name,
            text=host_keys.fingerprint(server.host_key),
            outcome="complete",
        )
    publish(SERVERS_GROUP, "servers.changed", server_name=server.name)


def delete(server):
    """Delete a server and end its terminals; raise InUse while something names it."""
    live = terminals.live_on(server)
    try:
        with transaction.atomic():
            for terminal in live:
                terminals.ended(terminal, "ended")
            server.delete()
    except ProtectedError as error:
        raise InUse from error
    for terminal in live:
        terminals.hang_up(terminal)
    publish(SERVERS_GROUP, "servers.changed", server_name=server.name)
