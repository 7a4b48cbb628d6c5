"""Cameras and the car: read the plate in a picture, ask for the battery's charge."""

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from charging import battery, matching, recognition
from charging.callers import ChargingView
from charging.pictures import picture_in


class Untouched(BaseParser):
    """Leaves every body alone: `picture_in` reads it, and no more than it may."""

    media_type = "*/*"


class PlateReading(ChargingView):
    """The plate in a picture, sent as the part `image` of a form."""

    guest_rate = "RECOGNITION"
    parser_classes = [Untouched]

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"image": {"type": "string", "format": "binary"}},
                "required": ["image"],
            }
        },
        responses=OpenApiTypes.OBJECT,
    )
    def post(self, request):
        if recognition.HOP_HEADER in request.headers:
            raise recognition.Loop
        reading = recognition.read_plate(picture_in(request.META))
        if reading.plate.strip():
            matching.record(
                reading.plate,
                timezone.now(),
                matching.Source.RECOGNITION,
                confidence=reading.confidence,
            )
        return Response(reading.answer, headers=reading.headers)


class Battery(ChargingView):
    """How full the charging car is, and since when that is known."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response(battery.battery_now(), headers={"Cache-Control": "no-store"})


camera_paths = [
    path("license-plates", PlateReading.as_view(), name="license-plates"),
    path("plates/recognize", PlateReading.as_view(), name="plates-recognize"),
    path("battery/now", Battery.as_view(), name="battery-now"),
]
