"""A chase played again: who took part, what happened, and where everybody was."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from roadblock import maps
from roadblock.models import Alert, Chase, Event, Plan, Vehicle

BEFORE = timedelta(seconds=5)  # so that cars stand somewhere when the chase begins
AFTER = timedelta(seconds=5)
MOST_CARS = 200
MOST_ALERTS = MOST_PLANS = 300  # the newest
MOST_POINTS = 60_000  # of a replay; beyond, the tracks are thinned evenly in time

COUNT = """
SELECT vehicle_id, count(*) FROM roadblock_position
WHERE vehicle_id = ANY(%s) AND created_at BETWEEN %s AND %s GROUP BY vehicle_id
"""
READ = """
SELECT vehicle_id, extract(epoch FROM created_at - %s)::float8, x, y
FROM roadblock_position WHERE vehicle_id = ANY(%s) AND created_at BETWEEN %s AND %s
ORDER BY vehicle_id, created_at
"""
# The first position of a car in each stretch of some seconds.
READ_THINNED = """
SELECT DISTINCT ON (vehicle_id, floor(seconds / %s)) vehicle_id, seconds, x, y FROM (
  SELECT vehicle_id, x, y, extract(epoch FROM created_at - %s)::float8 AS seconds
  FROM roadblock_position WHERE vehicle_id = ANY(%s) AND created_at BETWEEN %s AND %s
) AS positions ORDER BY vehicle_id, floor(seconds / %s), seconds
"""


@dataclass
class Recording:
    """Seconds count from the chase's start; a track is a list of (seconds, x, y)."""

    chase: Chase
    map_id: int
    begin: datetime
    end: datetime
    cars: list  # of Vehicle
    events: list  # of Event, oldest first
    tracks: dict  # id of a car -> its track
    step: float  # seconds between two points at least; 0: every stored one

    def seconds(self, moment):
        return (moment - self.chase.started_at).total_seconds()


def map_of(chase):
    """Return the number of the map that a chase was on."""
    return chase.runner.map_id or settings.ROADBLOCK_DEFAULT_MAP_ID


def folder_of(map_id):
    """Return the folder of an installed map, or None."""
    for info in maps.installed(settings.ROADBLOCK_MAPS_DIR):
        if info.id == map_id:
            return info.folder
    return None


def span(chase, until=None):
    """Return (begin, end) of what there is to see of a chase, now or until then."""
    end = chase.ended_at + AFTER if chase.ended_at else timezone.now()
    return chase.started_at - BEFORE, min(end, until) if until else end


def record(chase, *, until=None, most_points=MOST_POINTS):
    """Return the chase's Recording, of at most about so many points.

    The runner, the cars of its events, and the police of its map that told most
    positions meanwhile, MOST_CARS in all.
    """
    begin, end = span(chase, until)
    events = list(
        Event.objects.filter(chase=chase, created_at__lte=end)
        .select_related("runner", "catcher")
        .order_by("created_at", "id")
    )
    in_service = Q(created_at__lte=end) & (
        Q(deleted_at=None) | Q(deleted_at__gte=begin)
    )
    police = Vehicle.objects.filter(in_service).exclude(vehicle_type="runner")
    map_id = map_of(chase)
    on_map = Q(map_id=map_id)
    if map_id == settings.ROADBLOCK_DEFAULT_MAP_ID:
        on_map |= Q(map_id=None)
    cars = {car.pk: car for car in police.filter(on_map)}
    must = [chase.runner, *(event.catcher for event in events if event.catcher)]
    cars |= {car.pk: car for car in must}
    counts = _ask(COUNT, [list(cars), begin, end])
    told = dict(counts)
    seen = {car.pk for car in must}
    others = sorted((id for id in told if id not in seen), key=lambda id: -told[id])
    chosen = sorted(seen) + others[: max(0, MOST_CARS - len(seen))]
    total = sum(told.get(id, 0) for id in chosen)
    step = 0.0
    if total > most_points:
        step = (end - begin).total_seconds() * len(chosen) / most_points
    return Recording(
        chase=chase,
        map_id=map_id,
        begin=begin,
        end=end,
        cars=[cars[id] for id in chosen],
        events=events,
        tracks=_tracks(chosen, chase.started_at, begin, end, step),
        step=step,
    )


def alerts_of(recording):
    """Return what alerts told of the recorded cars meanwhile, oldest first."""
    span = recording.begin, recording.end
    alerts = Alert.objects.filter(vehicle__in=recording.cars, created_at__range=span)
    return [
        {
            "id": alert.pk,
            "at": round(recording.seconds(alert.created_at), 3),
            "kind": alert.kind,
            "vehicle_id": alert.vehicle_id,
            "runner_id": alert.runner_id,
            "zone_name": alert.zone_name,
        }
        for alert in reversed(alerts.order_by("-id")[:MOST_ALERTS])
    ]


def plans_of(recording):
    """Return the plans that were in force meanwhile, oldest first."""
    plans = Plan.objects.filter(
        chase=recording.chase, is_trial=False, made_at__lte=recording.end
    )
    newest = plans.defer("heat", "wishes").prefetch_related("roadblocks")[:MOST_PLANS]
    return [
        {
            "id": plan.pk,
            "at": round(recording.seconds(plan.made_at), 3),
            "until": plan.replaced_at and round(recording.seconds(plan.replaced_at), 3),
            "reason": plan.reason,
            "share": plan.share,
            "bound": plan.bound,
            "roadblocks": [
                {"unit_id": one.unit_id, "x": one.x, "y": one.y, "heading": one.heading}
                for one in plan.roadblocks.all()
            ],
        }
        for plan in reversed(newest)
    ]


def as_json(recording, *, with_alerts=True):
    """Return a Recording as the API shows it; positions to the centimetre."""
    chase = recording.chase
    return {
        "chase": {
            "id": chase.pk,
            "runner_id": chase.runner_id,
            "catcher_id": chase.catcher_id,
            "outcome": chase.outcome,
            "started_at": chase.started_at,
            "ended_at": chase.ended_at,
        },
        "map_id": recording.map_id,
        "begin": round(recording.seconds(recording.begin), 3),
        "end": round(recording.seconds(recording.end), 3),
        "step": round(recording.step, 3),
        "cars": [
            {
                "id": car.pk,
                "vehicle_id": car.vehicle_id,
                "car_name": car.car_name,
                "vehicle_type": car.vehicle_type,
                "track": [
                    [round(t, 2), round(x, 2), round(y, 2)]
                    for t, x, y in recording.tracks.get(car.pk, [])
                ],
            }
            for car in recording.cars
        ],
        "events": [
            {
                "id": event.pk,
                "at": round(recording.seconds(event.created_at), 3),
                "status": event.status,
                "catcher_id": event.catcher_id,
            }
            for event in recording.events
        ],
        "alerts": alerts_of(recording) if with_alerts else [],
        "plans": plans_of(recording),
    }


def _tracks(ids, start, begin, end, step):
    if step:
        rows = _ask(READ_THINNED, [step, start, ids, begin, end, step])
    else:
        rows = _ask(READ, [start, ids, begin, end])
    tracks = {}
    for id, seconds, x, y in rows:
        tracks.setdefault(id, []).append((seconds, x, y))
    return tracks


def _ask(sql, values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
