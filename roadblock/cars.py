"""A vehicle as the tracker holds it in memory, and what it reads of the database."""

from django.conf import settings

from roadblock import tracks
from roadblock.models import Chase, Vehicle, VehicleKey


class Car:
    """What the hot path knows of a vehicle in service."""

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
    """Return what a picture begins with: cars, open chases, keys, last positions."""
    cars = Vehicle.objects.live().values_list(
        "pk", "vehicle_id", "vehicle_type", "map_id"
    )
    chased = Chase.objects.filter(ended_at=None).values_list("runner_id", "started_at")
    return list(cars), list(chased), read_keys(), tracks.last_positions()


def read_car(vehicle_id):
    """Return (id, number, is police, map) of a car in service, or None."""
    vehicle = Vehicle.objects.live().filter(vehicle_id=vehicle_id).first()
    if vehicle is None:
        return None
    return vehicle.pk, vehicle_id, vehicle.is_police, vehicle.map_id


def read_keys():
    """Return {number: (key, whether it needs a counter)}."""
    return {
        key.vehicle_id: (key.secret.encode(), key.counter_required)
        for key in VehicleKey.objects.all()
        if key.secret is not None
    }
