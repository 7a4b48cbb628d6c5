"""Open a terminal on a server, look at one, end one: who may, and what is noted."""

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from sshops import audit, host_link
from sshops.errors import (
    CommandFailed,
    Failure,
    Forbidden,
    NotFound,
    UnknownServer,
)
from sshops.models import AuditEntry, Recording, Server, Terminal
from sshops.models.servers import key_of
from sshops.models.terminals import SUPERVISE

log = logging.getLogger(__name__)

USE = "sshops.use_terminal"
OUTCOMES = {
    "exit": "complete",
    "ended": "cancelled",
    "abandoned": "cancelled",
    "not_recorded": "error",
    "failed": "error",
}  # anything else is "disconnected"
FORGOTTEN = timedelta(minutes=2)  # made, and never opened


class TerminalEnded(Failure):
    """This terminal has ended; open a new one."""

    status = 410
    code = "TERMINAL_ENDED"
    error_code = 60000


class TooManyTerminals(CommandFailed):
    """There are too many open terminals; end one first."""

    status = 429
    code = "TOO_MANY_TERMINALS"
    error_code = 60001


def create(user, server_name, *, cols=80, rows=24):
    """Return a new terminal, which opens when its socket connects.

    Raises Forbidden, UnknownServer or TooManyTerminals.
    """
    if not user.has_perm(USE):
        raise Forbidden
    server = Server.objects.filter(name=key_of(server_name), is_active=True).first()
    if server is None:
        raise UnknownServer
    if not Server.objects.visible_to(user).filter(pk=server.pk).exists():
        raise Forbidden
    if open_terminals().count() >= settings.SSHOPS_MAX_TERMINALS:
        raise TooManyTerminals
    return Terminal.objects.create(user=user, server=server, cols=cols, rows=rows)


def open_terminals():
    """Return the terminals that live, or may be opened yet."""
    fresh = timezone.now() - FORGOTTEN
    alive = Terminal.objects.exclude(state=Terminal.State.ENDED)
    return alive.exclude(state=Terminal.State.NEW, created_at__lt=fresh)


def look_up(user, pk):
    """Return (terminal, whether the user may type); raise NotFound or Forbidden.

    The owner types, who supervises looks on; both only while they still may.
    """
    terminal = Terminal.objects.select_related("server").filter(pk=pk).first()
    if terminal is None:
        raise NotFound
    if terminal.user_id == user.pk:
        if not (user.has_perm(USE) and _may_use(user, terminal.server_id)):
            raise Forbidden
        return terminal, True
    if user.has_perm(SUPERVISE):
        return terminal, False
    raise Forbidden


def still_may(user_pk, pk):
    """Tell whether a right that opened a socket still holds, read anew."""
    user = get_user_model().objects.filter(pk=user_pk).first()
    try:
        return bool(user and user.is_active and look_up(user, pk))
    except (NotFound, Forbidden):
        return False


def _may_use(user, server_id):
    servers = Server.objects.visible_to(user)
    return servers.filter(pk=server_id, is_active=True).exists()


def end(user, pk):
    """End a terminal, one's own or as a supervisor; raise NotFound or Forbidden."""
    terminal = Terminal.objects.filter(pk=pk).first()
    if terminal is None:
        raise NotFound
    if terminal.user_id != user.pk and not user.has_perm(SUPERVISE):
        raise Forbidden
    if terminal.user_id != user.pk:
        audit.record(
            kind="session",
            user=user,
            connection_id=str(terminal.pk),
            server_name=terminal.server.name,
            text=f"Ended the terminal of {terminal.user.email}",
            outcome="complete",
        )
    if terminal.state == Terminal.State.LIVE:
        host_link.command({"type": "end", "terminal": str(terminal.pk)})
    else:
        ended(terminal, "ended")


def live_on(server):
    """Return the terminals whose shells run on a server."""
    return list(Terminal.objects.filter(server=server, state=Terminal.State.LIVE))


def hang_up(terminal):
    """End the shell of a terminal that nobody is to find any more."""
    try:
        host_link.command({"type": "end", "terminal": str(terminal.id)})
    except host_link.HostAway:
        log.warning("The host of the terminal %s is away, and its shell", terminal.id)


# What the host notes


def opening(pk, client_ip):
    """Return a new terminal with its server and user, its audit entry begun.

    Raises TerminalEnded: it has ended, or its host has been started anew.
    """
    with transaction.atomic():
        terminal = (
            Terminal.objects.select_for_update(of=["self"])
            .select_related("server", "user")
            .filter(pk=pk)
            .first()
        )
        if terminal is None or terminal.state != Terminal.State.NEW:
            raise TerminalEnded
        terminal.audit_entry = audit.record(
            kind="session",
            user=terminal.user,
            client_ip=client_ip,
            connection_id=str(pk),
            server_name=terminal.server.name,
            text="terminal",
        )
        terminal.state = Terminal.State.LIVE
        terminal.save(update_fields=["audit_entry", "state"])
    return terminal


def opened(terminal, recording):
    terminal.recording = recording
    terminal.save(update_fields=["recording"])


def attached(terminal, is_attached):
    """Note whether a browser types into it."""
    Terminal.objects.filter(pk=terminal.pk).update(
        is_attached=is_attached,
        detached_at=None if is_attached else timezone.now(),
    )


def ended(terminal, reason, *, exit_status=None, error_code=None):
    """Note that a terminal has ended; a second time nothing happens."""
    with transaction.atomic():
        changed = (
            Terminal.objects.filter(pk=terminal.pk)
            .exclude(state=Terminal.State.ENDED)
            .update(
                state=Terminal.State.ENDED,
                is_attached=False,
                ended_at=timezone.now(),
                end_reason=reason,
                exit_status=exit_status,
            )
        )
        if changed and terminal.audit_entry_id:
            audit.finish(
                AuditEntry.objects.get(pk=terminal.audit_entry_id),
                OUTCOMES.get(reason, "disconnected"),
                exit_status=exit_status,
                error_code=error_code,
            )


def bury():
    """End what a host that was killed has left behind; called by the next one."""
    for terminal in Terminal.objects.filter(state=Terminal.State.LIVE):
        ended(terminal, "host_lost")
        Recording.objects.filter(terminal=terminal, ended_at=None).update(
            ended_at=timezone.now()
        )
