"""The doctors' pages and the mock headset's: thin shells around API and socket.

What the pages show of a record they ask the API for, which logs the look.
"""

from functools import wraps

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import path
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.response import Response

from config.errors import DomainError, Forbidden, as_json
from diagnosis import accounts, headsets, patients, records
from diagnosis.models import TestSession
from diagnosis.views import OpenView, id_in_path

VERSION = "1.1.1"  # of the protocol that clients know


class Home(OpenView):
    """Tell programs the version; show browsers the doctors' page."""

    authentication_classes = [SessionAuthentication]  # the page's; programs need none

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        if "text/html" in request.headers.get("Accept", ""):
            return clinic(request._request)
        return Response({"version": VERSION})


def for_doctors(view):
    """Let doctors see a page; others, and who asks for what is not theirs, are told."""

    @login_required
    @wraps(view)
    def page(request, **ids):
        try:
            accounts.doctor_of(request.user)
            return view(request, **{name: id_in_path(id) for name, id in ids.items()})
        except DomainError as error:
            status = 403 if isinstance(error, Forbidden) else 404
            return render(request, f"{status}.html", {"why": error.text}, status=status)

    return page


@for_doctors
def clinic(request):
    return render(request, "diagnosis/clinic.html", {"tests": TestSession.Type})


@for_doctors
def patient(request, id):
    found = patients.owned(request.user, id)
    return render(
        request,
        "diagnosis/patient.html",
        {"patient": found, "tests": TestSession.Type},
    )


@for_doctors
def record(request, id):
    session = records.of_session(request.user, id).recording.session
    return render(request, "diagnosis/record.html", {"session": session})


def mock_headset(request):
    """Show a page that behaves like a headset."""
    try:
        headsets.refuse_programs(request.headers.get("User-Agent", ""))
    except DomainError as error:
        return as_json(error)
    return render(request, "diagnosis/mock_headset.html")


urlpatterns = [
    path("patient/<id>", patient, name="patient-page"),
    path("record/<id>", record, name="record-page"),
    path("test/mock-vr", mock_headset, name="mock-headset"),
]
