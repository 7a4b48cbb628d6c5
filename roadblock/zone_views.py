"""Zones and alerts over HTTP, and alerts as they happen."""

from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response

from config.errors import Conflict, NotFound, path_id
from config.schema import ID
from roadblock import alerts
from roadblock.models import Alert, Zone
from roadblock.views import View, listing, stream_of
from roadblock.wire import ALERTS
from roadblock.zones import MOST_ZONES, ZoneSerializer

ALERTS_SHOWN = 200
BEFORE = OpenApiParameter("before", int, description="Only alerts of smaller ids.")


class TooManyZones(Conflict):
    """There are as many zones as can be watched; remove one first."""

    code = "too_many_zones"


class MayDraw(BasePermission):
    """Everyone signed in may look; drawing, changing and removing take a permission."""

    needed = {
        "POST": "roadblock.add_zone",
        "PATCH": "roadblock.change_zone",
        "DELETE": "roadblock.delete_zone",
    }

    def has_permission(self, request, view):
        permission = self.needed.get(request.method)
        return permission is None or request.user.has_perm(permission)


class Zones(View):
    http_method_names = ["get", "head", "post"]
    permission_classes = [IsAuthenticated, MayDraw]

    @extend_schema(
        operation_id="roadblock_zones_list",
        responses=listing("zones", ZoneSerializer(many=True)),
    )
    def get(self, request):
        zones = ZoneSerializer(Zone.objects.all(), many=True).data
        return Response({"zones": zones})

    @extend_schema(request=ZoneSerializer, responses={201: ZoneSerializer})
    def post(self, request):
        form = ZoneSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if Zone.objects.count() >= MOST_ZONES:
            raise TooManyZones
        form.save(created_by=request.user)
        return Response(form.data, status=201)


@extend_schema(parameters=[ID])
class OneZone(View):
    permission_classes = [IsAuthenticated, MayDraw]

    def zone(self, id):
        zone = Zone.objects.filter(pk=path_id(id)).first()
        if zone is None:
            raise NotFound
        return zone

    @extend_schema(responses=ZoneSerializer)
    def get(self, request, id):
        return Response(ZoneSerializer(self.zone(id)).data)

    @extend_schema(request=ZoneSerializer, responses=ZoneSerializer)
    def patch(self, request, id):
        form = ZoneSerializer(self.zone(id), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        form.save()
        return Response(form.data)

    @extend_schema(responses={204: None})
    def delete(self, request, id):
        self.zone(id).delete()
        return Response(status=204)


class Alerts(View):
    """The newest alerts first, 200 at most; older ones before an id."""

    http_method_names = ["get", "head"]

    @extend_schema(
        parameters=[BEFORE],
        responses=listing(
            "alerts", serializers.ListField(child=serializers.JSONField())
        ),
    )
    def get(self, request):
        found = Alert.objects.select_related("vehicle", "runner")
        if before := request.query_params.get("before"):
            found = found.filter(pk__lt=path_id(before, "before"))
        newest = [alerts.as_json(alert) for alert in found[:ALERTS_SHOWN]]
        return Response({"alerts": newest})


@csrf_exempt
async def alert_stream(request):
    """Send alerts as server-sent events, from now on."""
    return await stream_of(ALERTS, request)
