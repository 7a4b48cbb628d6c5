"""The operators' page: a thin shell around REST and sockets."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import path

from sshops.docs_views import to_swagger
from sshops.models import Recording, Server
from sshops.models.terminals import SUPERVISE
from sshops.sshd import NoOpenSSH, program

RIGHTS = {
    "type": "sshops.use_terminal",
    "transfer": "sshops.use_transfer",
    "supervise": SUPERVISE,
    "audit": "sshops.view_audit",
}


def home(request):
    """Answer the page to a browser; other clients know a description here."""
    if "text/html" in request.headers.get("Accept", ""):
        return page(request)
    return to_swagger(request)


@login_required
def page(request):
    may = {what: request.user.has_perm(right) for what, right in RIGHTS.items()}
    if not any(may.values()) and not Recording.objects.filter(user=request.user):
        return render(request, "403.html", status=403)
    lacks_sshd = not (Server.objects.exists() or has_sshd())
    return render(request, "sshops/page.html", {"may": may, "lacks_sshd": lacks_sshd})


def has_sshd():
    try:
        return bool(program())
    except NoOpenSSH:
        return False


page_paths = [path("", home, name="home")]
