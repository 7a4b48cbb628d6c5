"""Vehicles, events, chases and maps over HTTP; the live map's page."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiTypes, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from config.auth import user_of_request
from config.errors import NotFound, path_id
from config.parsers import JSON
from config.realtime import event_stream
from config.schema import ID
from roadblock import chases, fleet, ground, maps
from roadblock.models import Chase, Event, Vehicle
from roadblock.serializers import (
    ChaseSerializer,
    RenameSerializer,
    VehicleSerializer,
)
from roadblock.wire import EVENT_LOG

CHASES_SHOWN = 200


class View(APIView):
    # Takes JSON under any Content-Type, and no verb but these. No docstring: the API's
    # documentation would show it for every view that has none of its own.

    http_method_names = ["get", "head", "patch", "delete"]
    parser_classes = [JSON]


class Home(View):
    """Greet programs in JSON; show browsers the live map."""

    authentication_classes = [SessionAuthentication]  # the page's; programs need none
    permission_classes = []

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        if "text/html" in request.headers.get("Accept", ""):
            return live_map(request._request)
        return Response({"message": "Madang roadblock"})


@login_required
def live_map(request):
    return render(request, "roadblock/dashboard.html")


class MayChangeVehicles(BasePermission):
    """Everyone signed in may read; renaming and retiring take a permission each."""

    needed = {
        "PATCH": "roadblock.change_vehicle",
        "DELETE": "roadblock.delete_vehicle",
    }

    def has_permission(self, request, view):
        permission = self.needed.get(request.method)
        return permission is None or request.user.has_perm(permission)


def listing(name, serializer):
    """Describe an answer of the form {name: [item]} to the API's documentation."""
    return inline_serializer(f"{name}_list", {name: serializer})


class Vehicles(View):
    @extend_schema(
        operation_id="roadblock_vehicles_list",
        responses=listing("vehicles", VehicleSerializer(many=True)),
    )
    def get(self, request):
        live = Vehicle.objects.live().select_related("details")
        return Response({"vehicles": VehicleSerializer(live, many=True).data})


@extend_schema(parameters=[ID])
class OneVehicle(View):
    permission_classes = [IsAuthenticated, MayChangeVehicles]

    def vehicle(self, id):
        live = Vehicle.objects.live().select_related("details")
        vehicle = live.filter(pk=path_id(id)).first()
        if vehicle is None:
            raise fleet.UnknownVehicle
        return vehicle

    @extend_schema(responses=VehicleSerializer)
    def get(self, request, id):
        return Response(VehicleSerializer(self.vehicle(id)).data)

    @extend_schema(request=RenameSerializer, responses=VehicleSerializer)
    def patch(self, request, id):
        vehicle = self.vehicle(id)
        form = RenameSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fleet.rename(vehicle, form.validated_data["car_name"])
        return Response(VehicleSerializer(vehicle).data)

    @extend_schema(responses={204: None})
    def delete(self, request, id):
        fleet.retire(self.vehicle(id))
        return Response(status=204)


class Events(View):
    @extend_schema(
        responses=listing(
            "events", serializers.ListField(child=serializers.JSONField())
        )
    )
    def get(self, request):
        return Response({"events": [chases.as_json(e) for e in Event.objects.all()]})


@csrf_exempt
async def event_log(request):
    """Send what happens in chases as server-sent events, from now on."""
    return await stream_of(EVENT_LOG, request)


async def stream_of(group, request):
    """Answer with a group's events as server-sent events, from now on."""
    if request.method != "GET":
        refusal = MethodNotAllowed(request.method)
        return JsonResponse(
            {"detail": str(refusal.detail), "code": refusal.default_code},
            status=refusal.status_code,
            headers={"Allow": "GET"},
        )
    user = await user_of_request(request)
    if not user.is_authenticated:
        return JsonResponse(
            {"detail": _("Sign in first."), "code": "not_authenticated"},
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
    return StreamingHttpResponse(
        event_stream(group),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


class Chases(View):
    """The newest chases, open ones first among equals."""

    @extend_schema(responses=listing("chases", ChaseSerializer(many=True)))
    def get(self, request):
        newest = Chase.objects.all()[:CHASES_SHOWN]
        return Response({"chases": ChaseSerializer(newest, many=True).data})


class Maps(View):
    @extend_schema(
        operation_id="roadblock_maps_list",
        responses=listing("maps", serializers.ListField()),
    )
    def get(self, request):
        found = [
            {
                "id": info.id,
                "map_name": info.name,
                "folder": info.folder.name,
                "bbox": list(info.bbox),
            }
            for info in maps.installed(settings.ROADBLOCK_MAPS_DIR)
        ]
        return Response({"maps": found})


@extend_schema(parameters=[ID])
class OneMap(View):
    """The road surface of a map as GeoJSON, for dashboards to draw."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, id):
        number = path_id(id, positive=False)
        for info in maps.installed(settings.ROADBLOCK_MAPS_DIR):
            if info.id == number:
                return ground.answer(request, info.folder)
        raise NotFound
