"""What dashboards are shown when they come, and what they may ask for."""

import json

from django.conf import settings
from django.utils.translation import gettext as _

from config.errors import DomainError, Forbidden, NotFound
from roadblock import chases, fleet, packets, tracks
from roadblock.models import Chase, PoliceCar, Vehicle
from roadblock.wire import SHARED_KEY


class BadRequest(DomainError):
    """The request lacks something or has a value out of its range."""

    code = "bad_request"


def snapshot():
    """Return the frames that show the whole fleet: 0xA2, 0x10, then 0x11."""
    cars = list(Vehicle.objects.live().select_related("details"))
    frames = [fleet.frame_of(car) for car in cars]
    frames += [fleet.condition_frame(car.details) for car in cars if car.is_police]
    last, maps = tracks.last_positions(), {}
    for car in cars:
        if car.pk in last:
            x, y, _moment = last[car.pk]
            map_id = car.map_id or settings.ROADBLOCK_DEFAULT_MAP_ID
            maps.setdefault(map_id, []).append((car.pk, x, y))
    frames += [
        packets.positions(SHARED_KEY, map_id, records)
        for map_id, records in maps.items()
    ]
    return frames


def request_in(data):
    """Return the JSON object in a dashboard's text frame, or an empty one."""
    if isinstance(data, bytes):
        return {}
    try:
        request = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(request, dict) or not isinstance(request.get("type"), str):
        return {}
    return request


def update_status(user, request):
    """Change a police car's fuel, collisions or status, asked for by a dashboard."""
    if not user.has_perm("roadblock.change_policecar"):
        raise Forbidden
    values = {name: request[name] for name in LIMITS if name in request}
    if not values or not _is_key(request.get("id")):
        raise BadRequest
    for name, value in values.items():
        if not LIMITS[name](value):
            raise BadRequest(_("{name} is out of its range.").format(name=name))
    fleet.set_condition(request["id"], **values)


def acknowledge_event(user, request):
    """Note that the user has seen an event."""
    if not _is_key(request.get("event_id")):
        raise BadRequest
    if not chases.acknowledge(request["event_id"], user):
        raise NotFound


def state_now():
    """Return the app's state and figures for the home page."""
    open_chases = Chase.objects.filter(ended_at=None).count()
    live = Vehicle.objects.live()
    return {
        "state": "live" if open_chases else "idle",
        "figures": [
            (_("vehicles"), live.count()),
            (_("open chases"), open_chases),
        ],
    }


def _is_key(value):
    return type(value) is int and 0 < value < 2**63


LIMITS = {
    "fuel": lambda value: type(value) is int and 0 <= value <= packets.FULL_FUEL,
    "collision_count": lambda value: type(value) is int and 0 <= value <= 255,
    "status": lambda value: value in PoliceCar.Status.values,
}
