"""The demo: a town, and cars that a simulator drives through it."""

from django.core.management import call_command
from django.db import transaction

from roadblock import fleet, maps
from roadblock.models import Vehicle, VehicleType

# What simulate_vehicles registers when it is told nothing else.
FIRST_NUMBER = 9001
POLICE, RUNNERS = 5, 2


def load(is_new):
    """Make the town and the demo's cars in a new database; tell if the demo runs.

    Whoever retires all its cars in the admin has seen enough of it.
    """
    if is_new:
        make_cars()
    runs = Vehicle.objects.live().filter(map_id=maps.TOWN_ID).exists()
    if runs:
        call_command("make_town", verbosity=0)
    return runs


@transaction.atomic
def make_cars():
    """Put the demo's cars on its map; a wire registration could not name the map."""
    names = [f"DEMO P{n + 1}" for n in range(POLICE)]
    names += [f"DEMO R{n + 1}" for n in range(RUNNERS)]
    for offset, name in enumerate(names):
        kind = VehicleType.POLICE if offset < POLICE else VehicleType.RUNNER
        vehicle = fleet.register(FIRST_NUMBER + offset, kind, name).vehicle
        fleet.move(vehicle, maps.TOWN_ID)
