"""A vehicle as the tracker holds it in memory, one for each that is in service."""

from django.conf import settings


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
