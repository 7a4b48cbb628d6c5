"""What our pages ask beyond the contract: opening times, sightings, occupancy."""

from django.core.cache import cache
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.response import Response

from charging import hours, listings, occupancy
from charging.callers import ChargingView, StaffView
from charging.models import PlateSighting
from charging.moments import as_iso
from charging.serializers import day_in_query

SIGHTINGS_SHOWN = 60
KEPT_SECONDS = 300  # the past changes little


class Opening(ChargingView):
    """When the site is open on a day, and which bays are out of service then."""

    @extend_schema(
        parameters=[OpenApiParameter("date", OpenApiTypes.DATE, required=True)],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request):
        return Response(occupancy.opening(day_in_query(request.query_params)))


class Sightings(StaffView):
    """The newest plates that cameras saw."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        newest = PlateSighting.objects.select_related("reservation")
        return Response(
            {"sightings": [self.as_json(one) for one in newest[:SIGHTINGS_SHOWN]]}
        )

    @staticmethod
    def as_json(sighting):
        reservation = sighting.reservation
        return {
            "id": sighting.pk,
            "plate": sighting.plate,
            "seenAt": as_iso(sighting.seen_at),
            "source": sighting.source,
            "confidence": sighting.confidence,
            "reservation": reservation
            and listings.as_json(listings.row_of(reservation)),
        }


class Occupancy(StaffView):
    """The share of bays taken in the last 30 days, by weekday and half hour."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        today = hours.today(timezone.now())
        return Response(
            cache.get_or_set(
                f"charging:weeks:{today}",
                lambda: occupancy.weeks(today),
                KEPT_SECONDS,
            )
        )


board_paths = [
    path("opening", Opening.as_view(), name="opening"),
    path("admin/sightings", Sightings.as_view(), name="sightings"),
    path("admin/occupancy", Occupancy.as_view(), name="occupancy"),
]
