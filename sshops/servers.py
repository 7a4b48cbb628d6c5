"""Servers come and go: what follows when one is saved or deleted."""

from config.realtime import publish
from sshops import health

SERVERS_GROUP = "sshops.servers"
MOVED_BY = ("host", "port", "jump_id", "is_active")


def place_of(server):
    """Return what decides where checks look; compare it before and after a change."""
    return tuple(getattr(server, name) for name in MOVED_BY)


def saved(server, *, before=None):
    """Tell everybody of a new or changed server; `before` is its former place."""
    if before is not None and before != place_of(server):
        health.forget(server)
    publish(SERVERS_GROUP, "servers.changed", server_name=server.name)


def deleted(server):
    publish(SERVERS_GROUP, "servers.changed", server_name=server.name)
