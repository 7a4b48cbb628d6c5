"""The home page with the five apps' live state, and the admin's front page."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from charging import occupancy
from diagnosis import clinic
from roadblock import dashboards
from sshops import overview
from workspace.chat import directory


def apps_now():
    """Return the five apps as the home page shows them: name, state, figures."""
    return [
        {
            "name": "roadblock",
            "title": _("Roadblock"),
            "text": _("Police cars and runners, live on a map."),
            "url": "/roadblock/",
            **dashboards.state_now(),
        },
        {
            "name": "charging",
            "title": _("Charging"),
            "text": _("EV charging bays and plates."),
            "url": "/charging/",
            **occupancy.state_now(),
        },
        {
            "name": "diagnosis",
            "title": _("Diagnosis"),
            "text": _("Movement tests with VR headsets."),
            "url": "/diagnosis/",
            **clinic.state_now(),
        },
        {
            "name": "workspace",
            "title": _("Workspace"),
            "text": _("People, chat and files."),
            "url": "/workspace/",
            **directory.state_now(),
        },
        {
            "name": "sshops",
            "title": _("SSH operations"),
            "text": _("Terminals, transfers, health."),
            "url": "/sshops/",
            **overview.state_now(),
        },
    ]


@login_required
def home(request):
    return render(request, "home.html", {"apps": apps_now()})


@never_cache
def status(request):
    """Answer the apps' live state to a signed-in page."""
    if not request.user.is_authenticated:
        return JsonResponse(
            {"detail": _("Sign in first."), "code": "signed_out"}, status=401
        )
    return JsonResponse({"apps": apps_now()})


def admin_dashboard(request, context):
    """Add the live figures to the admin's front page (unfold's DASHBOARD_CALLBACK)."""
    return {
        **context,
        "apps_now": [app for app in apps_now() if app["state"] != "soon"],
    }


def ways_out(request):
    """Return where the admin's upper left corner leads (unfold's SITE_DROPDOWN)."""
    places = [
        {"icon": "home", "title": _("Home page"), "link": reverse("home")},
        {
            "icon": "local_police",
            "title": _("Live map"),
            "link": reverse("roadblock:home"),
        },
        {
            "icon": "stethoscope",
            "title": _("Clinic"),
            "link": reverse("diagnosis:home"),
        },
    ]
    if settings.EXPLORER_PERMISSION_VIEW(request):
        places.append(
            {
                "icon": "database_search",
                "title": _("SQL explorer"),
                "link": reverse("workspace:explorer"),
            }
        )
    return places
