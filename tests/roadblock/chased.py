"""A small town with a chase in it, as the planner finds it in database and Valkey."""

import json
import time

import pytest

from config.realtime import in_thread
from config.valkey import valkey
from roadblock import maps, tracks
from tests import factories
from tests.roadblock.road_maps import link, node
from tests.roadblock.streets import with_ways_out

MAP_ID = maps.FIRST_FREE_ID
BLOCK = 120.0


@pytest.fixture
def town(tmp_path, settings):
    """Install a grid of 5 x 4 crossings with three ways out as the default map."""
    roads = with_ways_out(5, 4, ["0-0", "4-0", "4-3"], BLOCK, 15.0)
    folder = tmp_path / "maps" / "GRID"
    folder.mkdir(parents=True)
    nodes = [node(name, *place) for name, place in roads.nodes.items()]
    links = [
        link(each.idx, each.from_node, each.to_node, each.points.tolist(), max_speed=54)
        for each in roads.links.values()
    ]
    (folder / "node_set.json").write_text(json.dumps(nodes))
    (folder / "link_set.json").write_text(json.dumps(links))
    settings.ROADBLOCK_MAPS_DIR = folder.parent
    settings.ROADBLOCK_DEFAULT_MAP_ID = MAP_ID
    return roads


def put(vehicle, column, row, ago=0.0):
    """Let a car have told that it is at a crossing."""
    where = tracks.LAST.pack(column * BLOCK, row * BLOCK, time.time() - ago)
    valkey().hset(tracks.LAST_KEY, vehicle.pk, where)


@pytest.fixture
def runner(town, db):
    runner = factories.runner(12)
    put(runner, 2, 2)
    return runner


@pytest.fixture
def police(town, db):
    """Three police cars, numbers 3 to 5, in corners of the town."""
    cars = [factories.police_car(number) for number in (3, 4, 5)]
    for car, at in zip(cars, [(0, 0), (4, 0), (4, 3)], strict=True):
        put(car, *at)
    return cars


@pytest.fixture
def chase(runner, police):
    return factories.chase(runner)


async def a(function, *arguments, **named):
    """Call blocking code from an async test."""
    return await in_thread(function, *arguments, **named)
