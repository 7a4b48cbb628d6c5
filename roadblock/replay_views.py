"""Replays, exports, shared links and reports: their pages and their API."""

from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response

from config.errors import DomainError, NotFound, path_id
from config.schema import ID
from roadblock import exports, ground, replay, reports, shares
from roadblock.chases import SEOUL
from roadblock.models import Chase
from roadblock.views import View

REPORT_DAYS = 7
MOST_DAYS = 92
TOKEN = OpenApiParameter("token", str, OpenApiParameter.PATH)
FORM = OpenApiParameter("form", str, OpenApiParameter.PATH, enum=sorted(exports.FORMS))
DAYS = [
    OpenApiParameter("from", OpenApiTypes.DATE, description="The first day, in Seoul."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="The last day, in Seoul."),
]


class BadPeriod(DomainError):
    """Give the days as YYYY-MM-DD, the first not after the last, at most 92 of them."""

    status = 422
    code = "bad_period"


class MayShare(BasePermission):
    def has_permission(self, request, view):
        return request.user.has_perm("roadblock.change_chase")


class ShareSerializer(serializers.Serializer):
    hours = serializers.IntegerField(
        min_value=1, max_value=shares.MOST_HOURS, default=24
    )


class SharedSerializer(serializers.Serializer):
    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


def chase_of(id):
    chase = Chase.objects.select_related("runner").filter(pk=path_id(id)).first()
    if chase is None:
        raise NotFound
    return chase


# Pages


@login_required
def replay_page(request, id):
    try:
        chase = chase_of(id)
    except DomainError as error:
        return problem_page(request, error)
    source = reverse("roadblock:recording", args=[chase.pk])
    roads = reverse("roadblock:map", args=[replay.map_of(chase)])
    may_share = request.user.has_perm("roadblock.change_chase")
    return render(
        request,
        "roadblock/replay.html",
        {"chase": chase, "source": source, "roads": roads, "may_share": may_share},
    )


def shared_page(request, token):
    """Show a chase to whoever has the link, signed in or not."""
    try:
        chase, _until = shares.read(token)
    except DomainError as error:
        return problem_page(request, error)
    source = reverse("roadblock:shared-recording", args=[token])
    roads = reverse("roadblock:shared-roads", args=[token])
    page = render(
        request,
        "roadblock/replay.html",
        {"chase": chase, "source": source, "roads": roads, "shared": True},
    )
    page["Referrer-Policy"] = "no-referrer"  # the address is the key
    page["Cache-Control"] = "private, no-store"
    return page


def problem_page(request, error):
    return render(
        request, "roadblock/replay.html", {"problem": error.text}, status=error.status
    )


@login_required
def report_page(request):
    problem = None
    try:
        begin, end = period(request)
    except BadPeriod as error:
        problem = error.text
        begin, end = last_days()
    figures = reports.report(begin, end)
    context = {
        **figures,
        "problem": problem,
        "first_day": begin.astimezone(SEOUL).date(),
        "last_day": (end.astimezone(SEOUL) - timedelta(days=1)).date(),
        "most": reports.MOST_CHASES,
    }
    status = 422 if problem else 200
    return render(request, "roadblock/report.html", context, status=status)


def period(request):
    """Return (begin, end) of the days that a request names; raise BadPeriod."""
    today = timezone.now().astimezone(SEOUL).date()
    try:
        last = _day(request.GET.get("to"), today)
        first = _day(request.GET.get("from"), last - timedelta(days=REPORT_DAYS - 1))
        begin, end = (
            datetime.combine(day, time(), tzinfo=SEOUL).astimezone(UTC)
            for day in (first, last + timedelta(days=1))
        )
    except (ValueError, OverflowError):
        raise BadPeriod from None
    if not begin < end <= begin + timedelta(days=MOST_DAYS):
        raise BadPeriod
    return begin, end


def last_days():
    end = datetime.combine(timezone.now().astimezone(SEOUL), time(), tzinfo=SEOUL)
    end = end.astimezone(UTC) + timedelta(days=1)
    return end - timedelta(days=REPORT_DAYS), end


def _day(text, default):
    return date.fromisoformat(text) if text else default


# The API


@extend_schema(parameters=[ID])
class Recording(View):
    """Where every car of a chase was, and what happened, by seconds from its start."""

    http_method_names = ["get", "head"]

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, id):
        return Response(replay.as_json(replay.record(chase_of(id))))


@extend_schema(parameters=[ID, FORM])
class Export(View):
    """A chase as a file: GeoJSON, GPX 1.1 or CSV."""

    http_method_names = ["get", "head"]

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, id, form):
        if form not in exports.FORMS:
            raise NotFound
        write, kind = exports.FORMS[form]
        chase = chase_of(id)
        body = write(replay.record(chase, most_points=exports.MOST_POINTS))
        return attachment(body, kind, f"chase-{chase.pk}.{form}")


@extend_schema(parameters=[ID])
class Share(View):
    """Make a link that shows this chase, as far as it has come, without an account."""

    http_method_names = ["post"]
    permission_classes = [IsAuthenticated, MayShare]

    @extend_schema(request=ShareSerializer, responses={201: SharedSerializer})
    def post(self, request, id):
        chase = chase_of(id)
        form = ShareSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        token, expires = shares.make(chase, form.validated_data["hours"])
        url = request.build_absolute_uri(reverse("roadblock:shared", args=[token]))
        body = SharedSerializer({"url": url, "expires_at": expires}).data
        return Response(body, status=201)


@extend_schema(parameters=[TOKEN])
class SharedRecording(View):
    """What a shared link shows; the link alone lets one in."""

    http_method_names = ["get", "head"]
    permission_classes = []

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, token):
        chase, until = shares.read(token)
        recording = replay.record(chase, until=until)
        # Alerts name zones, which are nobody else's business.
        body = replay.as_json(recording, with_alerts=False)
        return Response(body, headers={"Cache-Control": "private, no-store"})


@extend_schema(parameters=[TOKEN])
class SharedRoads(View):
    """The roads below a shared chase."""

    http_method_names = ["get", "head"]
    permission_classes = []

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, token):
        chase, _until = shares.read(token)
        folder = replay.folder_of(replay.map_of(chase))
        if folder is None:
            raise NotFound
        return ground.answer(request, folder)


@extend_schema(parameters=DAYS)
class Report(View):
    """Captures per unit, response times and ways driven in some days."""

    http_method_names = ["get", "head"]

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response(reports.report(*period(request)))


@extend_schema(parameters=DAYS)
class ReportFile(View):
    """The report's units as CSV."""

    http_method_names = ["get", "head"]

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request):
        begin, end = period(request)
        first, last = begin.astimezone(SEOUL), end.astimezone(SEOUL) - timedelta(days=1)
        body = reports.csv(reports.report(begin, end))
        name = f"roadblock-{first:%Y%m%d}-{last:%Y%m%d}.csv"
        return attachment(body, "text/csv; charset=utf-8", name)


def attachment(body, kind, name):
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
