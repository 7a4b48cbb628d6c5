"""Host keys: the pinned one is the server, every other is refused and noted.

A server without a pinned key takes the first one it shows when
SSHOPS_TRUST_ON_FIRST_USE is set; otherwise the key is noted as offered, and an operator
accepts it in the admin. A changed key is never taken without one.
"""

import base64
import binascii
import hashlib
import logging

import paramiko
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from config import alerts
from config.realtime import publish
from sshops import audit
from sshops.errors import KeyProblem
from sshops.models import Server

log = logging.getLogger(__name__)

ALERTS = "sshops.alerts"  # the group that hears of keys that do not fit


def line_of(key):
    """Return a paramiko key as stored: type and base64 in one line."""
    return f"{key.get_name()} {key.get_base64()}"


def parsed(line):
    """Return the line in its stored form; raise ValueError when it is no public key."""
    kind, _space, rest = line.strip().partition(" ")
    try:
        key = paramiko.PKey.from_type_string(kind, base64.b64decode(rest.split()[0]))
    except (
        paramiko.SSHException,
        paramiko.pkey.UnknownKeyType,
        binascii.Error,
        IndexError,
        ValueError,
    ) as error:
        raise ValueError(line) from error
    return line_of(key)


def fingerprint(line):
    """Return what `ssh-keygen -l` shows of a stored key, or an empty text."""
    if not line:
        return ""
    kind, _space, rest = line.partition(" ")
    digest = hashlib.sha256(base64.b64decode(rest)).digest()
    return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def algorithms(line):
    """Return the signature algorithms that bring a stored key to light."""
    kind = line.partition(" ")[0]
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def check(server, key):
    """Raise KeyProblem unless the server shows its pinned key."""
    shown = line_of(key)
    if shown == server.host_key:
        return
    if not server.host_key and settings.SSHOPS_TRUST_ON_FIRST_USE:
        if pin_first(server, shown):
            return
        server.refresh_from_db(fields=["host_key"])  # somebody else was first
        if shown == server.host_key:
            return
    _refuse(server, shown)


def _refuse(server, shown):
    changed = bool(server.host_key)
    note = Server.objects.filter(pk=server.pk).exclude(offered_host_key=shown)
    if note.update(offered_host_key=shown, offered_at=timezone.now()):
        _tell_of(server, shown, changed)
    if changed:
        raise KeyProblem(
            _(
                "The server's host key has changed. Somebody may be in between: let an"
                " operator compare the key before anybody connects."
            )
        )
    raise KeyProblem(
        _("The server's host key is not known yet; an operator must accept it first.")
    )


def _tell_of(server, shown, changed):
    """Tell operators of a key that they have not heard of yet."""
    audit.record(
        kind="host_key",
        server_name=server.name,
        text=fingerprint(shown),
        outcome="error",
        error_code=KeyProblem.error_code,
    )
    publish(
        ALERTS,
        "host_key.refused",
        server_name=server.name,
        changed=changed,
        fingerprint=fingerprint(shown),
    )
    if changed:
        alerts.tell(
            f"host-key:{server.pk}",
            subject=f"The host key of {server.name} has changed",
            text=f"{server.name} shows another host key than the pinned one:"
            f" {fingerprint(shown)}. Nobody is connected to it until an operator"
            " accepts that key.",
        )
    else:
        log.warning("%s has no host key yet, and shows %s", server, fingerprint(shown))


def pin_first(server, line):
    """Make the key the server's, unless it has one; tell whether it was done."""
    rows = Server.objects.filter(pk=server.pk, host_key="")
    if not rows.update(host_key=line, offered_host_key="", offered_at=None):
        return False
    _note_pinned(server, line, by="")
    return True


def accept(server, by):
    """Make the key that the server showed its pinned one. Connections in use go on."""
    line = server.offered_host_key
    rows = Server.objects.filter(pk=server.pk, offered_host_key=line).exclude(
        offered_host_key=""
    )
    if rows.update(host_key=line, offered_host_key="", offered_at=None):
        _note_pinned(server, line, by)


def forget_offer(server):
    Server.objects.filter(pk=server.pk).update(offered_host_key="", offered_at=None)


def _note_pinned(server, line, by):
    server.host_key, server.offered_host_key = line, ""
    log.warning("%s has a new host key: %s", server.name, fingerprint(line))
    audit.record(
        kind="host_key",
        user=by,
        server_name=server.name,
        text=fingerprint(line),
        outcome="complete",
    )
