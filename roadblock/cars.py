"""Vehicles as the tracker holds them in memory, and how it reads them.

One for each that is in service.
"""

from django.conf import settings

from roadblock import orders, tracks
from roadblock.models import Chase, Vehicle, VehicleKey


class Car:
    """What the hot path knows of a vehicle."""

    __slots__ = (
        "chased",
        "heard",
        "id",
        "is_police",
        "map_id",
        "second",
        "stored",
        "taken",
        "vehicle_id",
        "x",
        "y",
    )

    def __init__(self, id, vehicle_id, is_police, map_id):
        self.id = id
        self.vehicle_id = vehicle_id
        self.is_police = is_police
        self.map_id = map_id or settings.ROADBLOCK_DEFAULT_MAP_ID
        self.x = self.y = None
        self.heard = 0.0  # when it last registered or told its position, Unix time
        self.stored = 0.0
        self.chased = False
        self.second, self.taken = 0, 0  # positions taken in the present second


def read_fleet():
    """Return cars, chased, keys, last positions and orders, as Tracker.load takes."""
    cars = Vehicle.objects.live().values_list(
        "pk", "vehicle_id", "vehicle_type", "map_id"
    )
    chased = Chase.objects.filter(ended_at=None).values_list("runner_id", "started_at")
    last = tracks.last_positions()
    return list(cars), list(chased), read_keys(), last, orders.in_force()


def read_car(vehicle_id):
    """Return the fields of a live car, or None."""
    vehicle = Vehicle.objects.live().filter(vehicle_id=vehicle_id).first()
    if vehicle is None:
        return None
    return vehicle.pk, vehicle_id, vehicle.is_police, vehicle.map_id


def read_keys():
    """Return {vehicle number: (key, whether it must count)}."""
    return {
        key.vehicle_id: (key.secret.encode(), key.counter_required)
        for key in VehicleKey.objects.all()
        if key.secret is not None
    }
