"""Chases: a runner's start opens one, the first catch closes it, once."""

from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from config.errors import Conflict
from config.realtime import publish
from roadblock import orders, packets
from roadblock.models import Chase, Event, Vehicle, VehicleType
from roadblock.wire import (
    CARS_ON_EVENTS,
    CARS_ON_VEHICLES,
    DASHBOARD_EVENTS,
    EVENT_LOG,
    SHARED_KEY,
    TRACKERS,
)

SEOUL = ZoneInfo("Asia/Seoul")  # dashboards cut the day out of the text


class UnfitVehicle(Conflict):
    """A chase takes a live police car and a live runner."""

    code = "unfit_vehicle"


class NoOpenChase(Conflict):
    """This runner is not being chased."""

    code = "no_open_chase"


def open_chase(runner):
    """Open the runner's chase unless one is open; return it, or None."""
    chase, is_new = Chase.objects.get_or_create(runner=runner, ended_at=None)
    if not is_new:
        return None
    log(chase, Event.Status.RUN)
    publish(
        DASHBOARD_EVENTS,
        "frame",
        frame=packets.chase_started(
            SHARED_KEY, runner.pk, chase.started_at.timestamp()
        ),
    )
    publish(TRACKERS, "chase.opened", id=runner.pk)
    frame = packets.chase_started_for_vehicles(SHARED_KEY, runner.vehicle_id)
    publish(CARS_ON_VEHICLES, "frame", frame=frame)
    publish(CARS_ON_EVENTS, "frame", frame=frame)
    return chase


@transaction.atomic
def catch(catcher_number, runner_number):
    """Close the runner's chase; tell whether it was open until now.

    Takes vehicle numbers, as the cars know each other. Raises UnfitVehicle.
    """
    catcher, runner = pair(catcher_number, runner_number)
    chase = Chase.objects.filter(runner=runner, ended_at=None).first()
    if chase is None or not end(chase, Chase.Outcome.CAUGHT, catcher):
        return False
    log(chase, Event.Status.CATCH, catcher)
    frame = packets.catch(SHARED_KEY, catcher.pk, runner.pk)
    publish(DASHBOARD_EVENTS, "frame", frame=frame)
    frame = packets.caught(SHARED_KEY, catcher_number, runner_number)
    publish(CARS_ON_EVENTS, "frame", frame=frame)
    return True


@transaction.atomic
def fail(catcher_number, runner_number):
    """Note that a catch failed; the chase goes on. Raises UnfitVehicle, NoOpenChase."""
    catcher, runner = pair(catcher_number, runner_number)
    # Locked, so that no catch comes between this look and the entry in the log.
    open_chases = Chase.objects.select_for_update().filter(ended_at=None)
    chase = open_chases.filter(runner=runner).first()
    if chase is None:
        raise NoOpenChase
    log(chase, Event.Status.FAILED, catcher)
    frame = packets.catch_failed(SHARED_KEY, catcher.pk, runner.pk)
    publish(DASHBOARD_EVENTS, "frame", frame=frame)
    frame = packets.catch_failed_for_vehicles(SHARED_KEY, catcher_number, runner_number)
    publish(CARS_ON_EVENTS, "frame", frame=frame)


def close_chases(**which):
    """Give up open chases of these field values, uncaught; return how many."""
    closed = 0
    for chase in Chase.objects.filter(ended_at=None, **which).select_related("runner"):
        with transaction.atomic():
            if end(chase, Chase.Outcome.CLOSED):
                frame = packets.chase_closed(SHARED_KEY, chase.runner_id)
                publish(DASHBOARD_EVENTS, "frame", frame=frame)
                closed += 1
    return closed


def acknowledge(event_id, user):
    """Store who has seen an event, and when; tell whether there is such an event."""
    event = Event.objects.filter(pk=event_id)
    event.filter(acknowledged_at=None).update(
        acknowledged_by=user, acknowledged_at=timezone.now()
    )
    return event.exists()


def pair(catcher_number, runner_number):
    numbers = catcher_number, runner_number
    live = Vehicle.objects.live().filter(vehicle_id__in=numbers)
    cars = {car.vehicle_id: car for car in live}
    catcher, runner = cars.get(catcher_number), cars.get(runner_number)
    if catcher is None or runner is None:
        raise UnfitVehicle
    if not catcher.is_police or runner.vehicle_type != VehicleType.RUNNER:
        raise UnfitVehicle
    return catcher, runner


def end(chase, outcome, catcher=None):
    """End a chase if it is open; tell whether it was: of two catches one counts."""
    ended = Chase.objects.filter(pk=chase.pk, ended_at=None).update(
        ended_at=timezone.now(), outcome=outcome, catcher=catcher
    )
    if ended:
        orders.expire(plan__chase=chase)
        publish(TRACKERS, "chase.ended", id=chase.runner_id)
    return bool(ended)


def log(chase, status, catcher=None):
    event = Event.objects.create(
        chase=chase, runner_id=chase.runner_id, catcher=catcher, status=status
    )
    publish(EVENT_LOG, status.value, **as_json(event))


def as_json(event):
    """Return an event as the API shows it."""
    moment = event.created_at.astimezone(SEOUL)
    return {
        "id": event.pk,
        "catcher_id": event.catcher_id,
        "runner_id": event.runner_id,
        "status": str(event.status),
        "created_at": moment.isoformat(timespec="seconds"),
    }
