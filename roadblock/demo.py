"""The demo: a town, and cars that a simulator drives through it."""

from django.conf import settings
from django.db import transaction

from roadblock import fleet, maps
from roadblock.models import Vehicle, VehicleType

FIRST_NUMBER = 9001  # far from the numbers of real cars
POLICE, RUNNERS = 5, 2


def load(is_new):
    """Make the town and the demo's cars in a new database; tell if the demo runs.

    Whoever retires all its cars in the admin has seen enough of it.
    """
    folder = settings.ROADBLOCK_MAPS_DIR / maps.CATALOGUE[DEMO_MAP][1]
    if is_new:
        make_cars()
    runs = Vehicle.objects.live().filter(map_id=DEMO_MAP).exists()
    if runs and not folder.exists():
        from roadblock import town

        town.build(folder)
    return runs


@transaction.atomic
def make_cars():
    """Put the demo's cars on its map; a wire registration could not name the map."""
    names = [f"DEMO P{n + 1}" for n in range(POLICE)]
    names += [f"DEMO R{n + 1}" for n in range(RUNNERS)]
    for offset, name in enumerate(names):
        kind = VehicleType.POLICE if offset < POLICE else VehicleType.RUNNER
        vehicle = fleet.register(FIRST_NUMBER + offset, kind, name).vehicle
        fleet.move(vehicle, DEMO_MAP)


DEMO_MAP = 100
