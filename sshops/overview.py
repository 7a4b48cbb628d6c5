"""What the home page shows of this app."""

from django.utils.translation import gettext as _

from sshops import terminals
from sshops.health import stale_before
from sshops.models import Server, ServerHealth


def state_now():
    """Return the app's state and figures for the home page."""
    used = Server.objects.filter(is_active=True)
    healthy = ServerHealth.objects.filter(
        server__in=used, is_healthy=True, last_checked__gt=stale_before()
    )
    opened = terminals.open_terminals().count()
    return {
        "state": "live" if opened else "idle",
        "figures": [
            (_("healthy servers"), f"{healthy.count()} / {used.count()}"),
            (_("open terminals"), opened),
        ],
    }
