"""Terminals, recordings and the audit log over HTTP."""

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from config.errors import Invalid, problem
from config.schema import UID
from sshops import fields, recordings, terminals
from sshops.answers import View
from sshops.lists import PAGE, page_of, page_serializer
from sshops.models import AuditEntry, Recording, Terminal

CELLS = {"min_value": 1, "max_value": 500}


class NewTerminal(serializers.Serializer):
    server = serializers.CharField(max_length=64)
    cols = serializers.IntegerField(default=80, **CELLS)
    rows = serializers.IntegerField(default=24, **CELLS)


class TerminalSerializer(serializers.ModelSerializer):
    user = serializers.EmailField(source="user.email")
    server = serializers.CharField(source="server.name")
    recording = serializers.UUIDField(source="recording_id", allow_null=True)
    created_at = fields.Moment()
    detached_at = fields.Moment(allow_null=True)

    class Meta:
        model = Terminal
        fields = [
            *("id", "user", "server", "cols", "rows", "state", "is_attached"),
            *("created_at", "detached_at", "recording"),
        ]


class Terminals(View):
    @extend_schema(
        parameters=PAGE, responses=page_serializer("TerminalPage", TerminalSerializer)
    )
    def get(self, request):
        """List the open terminals: one's own, or all for who supervises."""
        rows = terminals.open_terminals().visible_to(request.user)
        rows = rows.select_related("user", "server")
        return Response(page_of(request, rows, TerminalSerializer))

    @extend_schema(request=NewTerminal, responses={201: TerminalSerializer})
    def post(self, request):
        """Make a terminal; its shell opens when its socket connects."""
        form = NewTerminal(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        terminal = terminals.create(
            request.user, asked["server"], cols=asked["cols"], rows=asked["rows"]
        )
        return Response(TerminalSerializer(terminal).data, 201)


class OneTerminal(View):
    @extend_schema(parameters=[UID], responses={204: None})
    def delete(self, request, id):
        """End a terminal: its shell is hung up."""
        terminals.end(request.user, id)
        return Response(status=204)


class RecordingSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="user_email")
    started_at = fields.Moment()
    ended_at = fields.Moment(allow_null=True)

    class Meta:
        model = Recording
        fields = [
            *("id", "kind", "user", "server_name", "text", "started_at", "ended_at"),
            *("seconds", "size", "is_complete"),
        ]


class Recordings(View):
    @extend_schema(
        parameters=PAGE, responses=page_serializer("RecordingPage", RecordingSerializer)
    )
    def get(self, request):
        """List recordings, the newest first: one's own, or all for who supervises."""
        rows = Recording.objects.visible_to(request.user)
        return Response(page_of(request, rows, RecordingSerializer))


class OneRecording(View):
    @extend_schema(
        parameters=[UID],
        responses={(200, "application/x-asciicast"): OpenApiTypes.BINARY},
    )
    def get(self, request, id):
        """Return a recording as asciicast v2; that it was looked at is audited."""
        recording, file = recordings.open_for(
            request.user, id, client_ip=request.META.get("REMOTE_ADDR", "")
        )
        return FileResponse(
            file,
            content_type="application/x-asciicast",
            filename=f"{recording.server_name}-{recording.started_at:%Y%m%d-%H%M}.cast",
            headers={"Cache-Control": "no-store"},
        )


class AuditSerializer(serializers.ModelSerializer):
    outcome = serializers.CharField(source="last.outcome")
    exit_status = serializers.IntegerField(source="last.exit_status", allow_null=True)
    error_code = serializers.IntegerField(source="last.error_code", allow_null=True)
    started_at = fields.Moment(source="at")
    finished_at = fields.Moment(allow_null=True)

    class Meta:
        model = AuditEntry
        fields = [
            *("id", "kind", "user", "connection_id", "server_name", "text", "outcome"),
            *("exit_status", "error_code", "started_at", "finished_at"),
        ]


class AuditLog(View):
    right = "sshops.view_audit"

    @extend_schema(
        parameters=[
            OpenApiParameter("connection_id", str),
            OpenApiParameter("user", str),
            OpenApiParameter("server_name", str),
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            *PAGE,
        ],
        responses=page_serializer("AuditPage", AuditSerializer),
    )
    def get(self, request):
        """List who did what, the newest first."""
        rows = AuditEntry.objects.begun()
        for name in ("connection_id", "user", "server_name"):
            if (value := request.query_params.get(name)) is not None:
                rows = rows.filter(**{name: value.replace("\0", "")})
        if (since := moment_in_query(request, "since")) is not None:
            rows = rows.filter(at__gte=since)
        return Response(page_of(request, rows, AuditSerializer))


def moment_in_query(request, name):
    """Return the moment of that name, or None; raise Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        # A plus sign in a query is a blank, unless it is written as %2B.
        return fields.Moment().run_validation(text.replace(" ", "+"))
    except serializers.ValidationError as error:
        [told] = error.detail
        raise Invalid(problem(["query", name], told, "datetime", text)) from error
