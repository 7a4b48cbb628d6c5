"""The waiting list over HTTP; an entry's id, known to its maker alone, opens it."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from charging import cancelling, hours, listings, waiting
from charging.callers import ChargingView
from charging.serializers import WaitingSerializer, uuid_of, values_of
from charging.views import driver_of
from config.schema import UID


def entry_of(id):
    try:
        return waiting.find(uuid_of(id))
    except ValueError as error:
        raise waiting.UnknownEntry from error


def as_json(entry):
    start, end = hours.local(entry.starts_at), hours.local(entry.ends_at)
    offered = entry.offer is not None and entry.state == waiting.State.OFFERED
    return {
        "id": str(entry.pk),
        "sessionId": entry.session_id,
        "plate": entry.plate,
        "date": start.date().isoformat(),
        "startTime": f"{start:%H:%M}",
        "endTime": f"{end:%H:%M}",
        "contactEmail": entry.contact_email,
        "state": entry.state,
        "offer": listings.in_full(entry.offer) if offered else None,
        "offeredUntil": entry.offer.held_until if offered else None,
    }


class WaitingList(ChargingView):
    guest_rate = "CREATE"

    @extend_schema(request=WaitingSerializer, responses={201: OpenApiTypes.OBJECT})
    def post(self, request):
        values = values_of(WaitingSerializer, request.data)
        driver = driver_of(request, values)
        return Response(as_json(waiting.join(driver=driver, **values)), 201)


@extend_schema(parameters=[UID])
class OneEntry(ChargingView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, id):
        return Response(as_json(entry_of(id)))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def delete(self, request, id):
        cancelling.withdraw(entry_of(id))
        return Response({"ok": True})


@extend_schema(parameters=[UID])
class Acceptance(ChargingView):
    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request, id):
        return Response(listings.in_full(waiting.accept(entry_of(id))))
