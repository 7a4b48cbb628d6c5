"""Alerts: stored, shown to dashboards at once, and left for the webhook."""

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config.realtime import publish
from roadblock.models import Alert, Vehicle, Zone
from roadblock.wire import ALERTS


class Sighting(NamedTuple):
    """What the watch saw: ids of the car and, of a proximity, the runner."""

    kind: str
    vehicle: int
    zone: Zone | None = None
    runner: int | None = None


@transaction.atomic
def raise_alerts(sightings, places):
    """Store sightings as alerts, tell dashboards; return the alerts.

    `places` is {id: (x, y)}.
    """
    if not sightings:
        return []
    now = timezone.now()
    ids = {s.vehicle for s in sightings} | {s.runner for s in sightings} - {None}
    cars = Vehicle.objects.in_bulk(ids)
    alerts = []
    for kind, vehicle, zone, runner in sightings:
        if vehicle not in cars:
            continue
        x, y = places[vehicle]
        webhook = (zone and zone.webhook) or settings.ROADBLOCK_WEBHOOK_URL
        alerts.append(
            Alert(
                **{"kind": kind, "vehicle": cars[vehicle], "runner": cars.get(runner)},
                **{"zone": zone, "zone_name": zone.name if zone else ""},
                **{"x": x, "y": y, "created_at": now, "webhook": webhook},
                due_at=now if webhook else None,
                delivery=Alert.Delivery.WAITING if webhook else Alert.Delivery.NONE,
            )
        )
    Alert.objects.bulk_create(alerts)
    for alert in alerts:
        publish(ALERTS, "alert", **as_json(alert))
    return alerts


def as_json(alert):
    """Return an alert as the API, the stream and the webhook show it."""
    return {
        "id": alert.pk,
        "kind": str(alert.kind),
        "vehicle_id": alert.vehicle_id,
        "car_name": alert.vehicle.car_name,
        "runner_id": alert.runner_id,
        "runner_name": alert.runner.car_name if alert.runner else None,
        "zone_id": alert.zone_id,
        "zone_name": alert.zone_name or None,
        "x": round(alert.x, 2),
        "y": round(alert.y, 2),
        "created_at": alert.created_at.isoformat(timespec="milliseconds"),
    }


def sweep():
    """Delete alerts older than ROADBLOCK_ALERT_KEEP_DAYS; return how many."""
    oldest = timezone.now() - timedelta(days=settings.ROADBLOCK_ALERT_KEEP_DAYS)
    return Alert.objects.filter(created_at__lt=oldest).delete()[0]
