"""Chat over HTTP: who is there, a server's word to them, and what was said."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.response import Response
from rest_framework.views import APIView

from config import pagination
from config.errors import NotFound
from config.parsers import JSON
from workspace.chat import directory, history, marks, names
from workspace.serializers.chat import (
    DeliverySerializer,
    HistorySerializer,
    KeptGroupSerializer,
    ReadSerializer,
    ServerMessageSerializer,
)
from workspace.views.bodies import valid

PAGE = 100


class Clients(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        # The entries are JSON already, and may be thousands.
        body = f'{{"clients":[{directory.entries()}]}}'
        return HttpResponse(body, content_type="application/json")


class Groups(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response({"groups": directory.groups()})


class Members(APIView):
    @extend_schema(
        operation_id="workspace_ws_group_members", responses=OpenApiTypes.OBJECT
    )
    def get(self, request, group):
        return Response({"group": group, "members": directory.members(group)})


class SendTo(APIView):
    parser_classes = [JSON]

    @extend_schema(request=ServerMessageSerializer, responses=DeliverySerializer)
    def post(self, request, client):
        delivered = directory.send_to(client, text_in(request))
        if delivered:
            return outcome("success", _("The message is delivered."), delivered)
        # Existing clients look at this word, not at the status.
        return outcome("error", _("Nobody is connected under this id."), 0)


class Broadcast(APIView):
    parser_classes = [JSON]

    @extend_schema(request=ServerMessageSerializer, responses=DeliverySerializer)
    def post(self, request, group):
        delivered = directory.broadcast(group, text_in(request))
        return outcome("success", _("The message is delivered."), delivered)


def text_in(request):
    """Return the message in a body; raise ParseError or ValidationError."""
    if not request.body:
        raise ParseError(_("Send a JSON object."))  # {} would do
    return valid(ServerMessageSerializer, request)["message"]


def outcome(status, message, delivered):
    return Response({"status": status, "message": message, "delivered": delivered})


class History(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("after", int, description="The messages after this id."),
            OpenApiParameter("before", int, description="The last ones before it."),
            OpenApiParameter("limit", int, default=PAGE),
        ],
        responses=HistorySerializer,
    )
    def get(self, request, group):
        first = pagination.number_in_query(request, "before")
        last = pagination.number_in_query(request, "after", 0)
        limit = pagination.number_in_query(request, "limit", PAGE)
        most = max(1, min(limit, pagination.MOST))
        if first is None:
            found = history.after(group, last, most + 1)
            shown = found[:most]
        else:
            found = history.before(group, first, most + 1)
            shown = found[-most:]
        page = {"group": group, "messages": shown, "more": len(found) > most}
        return Response(HistorySerializer(page).data)


class KeptGroups(APIView):
    @extend_schema(responses=KeptGroupSerializer(many=True))
    def get(self, request):
        found = marks.groups_of(request.user)
        return Response(KeptGroupSerializer(found, many=True).data)


class Read(APIView):
    parser_classes = [JSON]

    @extend_schema(request=ReadSerializer, responses=ReadSerializer)
    def put(self, request, group):
        if not names.is_name(group):
            raise NotFound
        values = valid(ReadSerializer, request)
        marks.set_read(request.user, group, **values)
        return Response(values)
