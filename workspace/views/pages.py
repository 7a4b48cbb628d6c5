"""The pages for people; thin shells around the API."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from workspace.files import may_write
from workspace.forms import OwnPasswordForm


@login_required
def files(request):
    """Everybody's files, and a place to drop new ones."""
    context = {
        "may_write": may_write(request.user),
        "most_bytes": settings.WORKSPACE_RESUMABLE_MAX_BYTES,
    }
    return render(request, "workspace/files.html", context)


@login_required
def teams(request):
    """One's teams, and invitations to others."""
    return render(request, "workspace/teams.html")


@sensitive_post_parameters()
@login_required
def profile(request):
    """One's own name and picture (by the API), and a new password."""
    address = request.META.get("REMOTE_ADDR", "")
    form = OwnPasswordForm(request.user, request.POST or None, address)
    if form.is_valid():
        user = form.save()
        update_session_auth_hash(request, user)  # this browser stays signed in
        messages.success(request, _("Your password is changed."))
        return redirect("workspace:profile")
    return render(request, "workspace/profile.html", {"form": form})
