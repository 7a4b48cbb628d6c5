"""Which vehicles there are: register, rename, condition, retire.

Changes are told to four kinds of listeners, each a group of its own: the dashboards'
two sockets, the vehicles' two sockets, and beside them the trackers of all server
processes, which keep a picture of the fleet in memory.
"""

import time
from dataclasses import dataclass
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from config.errors import Conflict, NotFound
from config.realtime import publish
from roadblock import chases, packets, tracks
from roadblock.models import PoliceCar, Vehicle, VehicleKey, VehicleType
from roadblock.wire import DASHBOARD_VEHICLES, SHARED_KEY, TRACKERS


class UnknownVehicle(NotFound):
    """There is no such vehicle."""

    code = "unknown_vehicle"


class NameTaken(Conflict):
    """Another vehicle has this name."""

    code = "name_taken"


class NumberTaken(Conflict):
    """This vehicle number belongs to a vehicle of another name or type."""

    code = "number_taken"


@dataclass(frozen=True)
class Registration:
    vehicle: Vehicle
    is_new: bool


def register(vehicle_id, vehicle_type, car_name):
    """Take a car in, or recognise it after its restart; a runner's chase opens.

    Raises NameTaken, or NumberTaken. Of two equal registrations at the same moment one
    makes the row and the other finds it.
    """
    try:
        return _register(vehicle_id, vehicle_type, car_name)
    except IntegrityError:
        return _register(vehicle_id, vehicle_type, car_name)


@transaction.atomic
def _register(vehicle_id, vehicle_type, car_name):
    # Number and name are looked up by one query: between two, an equal registration
    # could be stored, and its name be taken for another car's.
    found = (
        Vehicle.objects.live()
        .filter(Q(vehicle_id=vehicle_id) | Q(car_name=car_name))
        .select_for_update()
        .order_by("pk")
    )
    by_number = {one.vehicle_id: one for one in found}
    vehicle = by_number.pop(vehicle_id, None)
    is_new = vehicle is None
    is_restart = (
        not is_new
        and vehicle.vehicle_type == vehicle_type
        and car_name in (vehicle.car_name, vehicle.announced_name)
    )
    if by_number and not is_restart:
        raise NameTaken
    if is_new:
        vehicle = Vehicle.objects.create(
            vehicle_id=vehicle_id,
            vehicle_type=vehicle_type,
            car_name=car_name,
            announced_name=car_name,
        )
        if vehicle.is_police:
            PoliceCar.objects.create(vehicle=vehicle)
    elif not is_restart:
        raise NumberTaken
    announce(vehicle, heard=time.time())
    if not vehicle.is_police:
        chases.open_chase(vehicle)
    return Registration(vehicle, is_new)


def announce(vehicle, heard=0):
    """Tell dashboards and trackers that a car is there, or what it is called now.

    `heard` is when it spoke itself, Unix time.
    """
    publish(
        TRACKERS,
        "car.known",
        id=vehicle.pk,
        vehicle_id=vehicle.vehicle_id,
        is_police=vehicle.is_police,
        map_id=vehicle.map_id,
        heard=heard,
    )
    publish(DASHBOARD_VEHICLES, "frame", frame=frame_of(vehicle))


def frame_of(vehicle):
    """Return the 0xA2 frame of a vehicle."""
    kind = packets.POLICE if vehicle.is_police else packets.RUNNER
    return packets.registered(
        SHARED_KEY, vehicle.pk, vehicle.vehicle_id, kind, vehicle.car_name
    )


def condition_frame(details):
    """Return the 0x10 frame of a police car's details."""
    level = packets.LEVELS.index(details.status)
    return packets.status(
        SHARED_KEY, details.vehicle_id, details.fuel, details.collision_count, level
    )


def rename(vehicle, car_name):
    """Give a car another name; raise NameTaken, or UnknownVehicle."""
    try:
        change(vehicle, car_name=car_name)
    except IntegrityError as error:
        raise NameTaken from error


def move(vehicle, map_id):
    """Put a car on another map; None means the default one. Raises UnknownVehicle."""
    change(vehicle, map_id=map_id)


@transaction.atomic
def change(vehicle, **values):
    # Not save(): the car may have been retired meanwhile, and must not be announced.
    if not Vehicle.objects.live().filter(pk=vehicle.pk).update(**values):
        raise UnknownVehicle
    for name, value in values.items():
        setattr(vehicle, name, value)
    announce(vehicle)


@transaction.atomic
def set_condition(id, **values):
    """Store fuel, collision_count or status of a police car, and tell the dashboards.

    Raises UnknownVehicle for anything but a live police car.
    """
    details = (
        PoliceCar.objects.select_for_update()
        .filter(vehicle=id, vehicle__deleted_at=None)
        .first()
    )
    if details is None:
        raise UnknownVehicle
    for name, value in values.items():
        setattr(details, name, value)
    details.save(update_fields=list(values))
    publish(DASHBOARD_VEHICLES, "frame", frame=condition_frame(details))
    return details


@transaction.atomic
def retire(vehicle):
    """Take a car out of service; its events stay, its name and number are free."""
    updated = (
        Vehicle.objects.live().filter(pk=vehicle.pk).update(deleted_at=timezone.now())
    )
    if not updated:
        raise UnknownVehicle
    chases.close_chases(runner=vehicle)
    publish(TRACKERS, "car.gone", id=vehicle.pk, vehicle_id=vehicle.vehicle_id)
    frame = packets.removed(SHARED_KEY, vehicle.pk)
    publish(DASHBOARD_VEHICLES, "vehicle.removed", id=vehicle.pk, frame=frame)
    transaction.on_commit(partial(tracks.forget, vehicle.pk), robust=True)


@transaction.atomic
def set_key(vehicle_id, secret, *, counter_required=False):
    """Give one car a key of its own; None takes it away again."""
    if secret is None:
        VehicleKey.objects.filter(pk=vehicle_id).delete()
    else:
        VehicleKey.objects.update_or_create(
            pk=vehicle_id,
            defaults={"secret": secret, "counter_required": counter_required},
        )
    publish(TRACKERS, "keys.changed")


def vehicle_type_of(kind):
    """Return the VehicleType of a packet's POLICE or RUNNER."""
    return VehicleType.POLICE if kind == packets.POLICE else VehicleType.RUNNER
