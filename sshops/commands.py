"""Begin and end a command: who may, on which server, locked and audited."""

from dataclasses import dataclass

from sshops import audit, leases, rules
from sshops.errors import Failure, Forbidden, UnknownServer
from sshops.models import AuditEntry, Server
from sshops.models.servers import key_of


class Busy(Failure):
    """Something is running on this connection already; wait until it has ended."""

    status = 409
    code = "STUB_TASK_ALREADY_RUNNING"
    error_code = 50010


@dataclass(frozen=True)
class Caller:
    """Who asks: the user, by which connection, from which address."""

    user: object
    connection_id: str
    client_ip: str

    def audited(self, **fields):
        """Add an entry of this caller to the audit log; return it."""
        return audit.record(
            user=self.user,
            connection_id=self.connection_id,
            client_ip=self.client_ip,
            **fields,
        )


@dataclass(frozen=True)
class Begun:
    """A command that may run."""

    server: Server
    entry: AuditEntry
    change: leases.Change


def require(user, permission):
    """Raise Forbidden unless the user has the permission."""
    if not user.has_perm(permission):
        raise Forbidden


def server_of(user, name):
    """Return the server of this name, in any case; raise UnknownServer."""
    servers = Server.objects.visible_to(user).filter(is_active=True)
    server = servers.select_related("jump").filter(name=key_of(name)).first()
    if server is None:
        raise UnknownServer
    return server


def begin(caller, request, *, is_busy):
    """Return a Begun command, whose server is locked; nothing remains of a refused one.

    Raise SessionOfAnother, Busy, UnknownServer, Forbidden by a rule, or Locked, looked
    for in this order.
    """
    leases.has_session(caller.connection_id)
    if is_busy:
        raise Busy
    server = server_of(caller.user, request.server_name)
    about = {"kind": "command", "server_name": server.name, "text": request.command}
    try:
        approval = rules.judge(caller.user, server, request.command)
    except Forbidden as error:
        caller.audited(**about, outcome="error", error_code=error.error_code)
        raise
    change = leases.lock(server, caller.connection_id)
    try:
        rules.use(approval)
    except Forbidden:
        leases.unlock(change.lease)
        raise
    return Begun(server, caller.audited(**about), change)
