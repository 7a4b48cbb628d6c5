import json
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from websockets.sync.client import connect as connect_as_car

from tests import factories
from tests.browsing import browser, chromium, site
from tests.roadblock.road_maps import K_CITY, LINKS, NODES
from tests.roadblock.talk import PATIENCE

__all__ = [
    "boss",
    "browser",
    "chromium",
    "expected",
    "folder",
    "operator",
    "outsider",
    "site",
]

ANSWERS = {0xA0: 0xA1, 0xFE: 0xFC, 0xFD: 0xFB}
operators = import_module("roadblock.migrations.0002_operators")
plan_watchers = import_module("roadblock.migrations.0004_operators_see_plans")
zone_operators = import_module("roadblock.migrations.0006_operators_draw_zones")


# The people of all tests, but without a flush of all tables after each test: tests with
# sockets and threads, which need it, say so by a mark.


@pytest.fixture
def outsider(db):
    """Signed in, and nothing more."""
    return factories.user("outsider@example.com")


@pytest.fixture
def boss(db):
    """A superuser."""
    return factories.user("boss@example.com", is_superuser=True)


@pytest.fixture
def operator(db):
    """In the group that a migration makes for the operators of roadblock."""
    operators.make_group(apps, None)  # earlier tests may have flushed it away
    plan_watchers.let_see(apps, None)
    zone_operators.let_draw(apps, None)
    operator = factories.user("operator@example.com", urole="admin")
    operator.groups.add(Group.objects.get(name=operators.NAME))
    return operator


@pytest.fixture
async def connect(socket):
    """Open a socket below /roadblock/ws/ and return it."""

    async def connected(path, user=None, **options):
        one = socket(f"/roadblock/ws/{path}", user, **options)
        assert await one.connect(PATIENCE) == (True, None)
        return one

    return connected


@pytest.fixture
def cars(site):
    """Return a function that sends frames as cars do: connect, send, close.

    It waits for the answers, so that one call is over before the next.
    """

    def send(*frames, path="vehicles"):
        with connect_as_car(f"{site.ws_url}/roadblock/ws/{path}") as socket:
            for frame in frames:
                socket.send(frame)
                answer = ANSWERS.get(frame[0])
                while answer and socket.recv(timeout=5)[0] != answer:
                    pass

    return send


@pytest.fixture(scope="session")
def expected():
    return json.loads((K_CITY / "expected.json").read_text())


@pytest.fixture
def folder(tmp_path):
    """Writes a folder of map files; rows given by name replace the usual ones."""

    def write(name="SMALL", nodes=NODES, links=LINKS, file="link_set.json", **others):
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        (place / "node_set.json").write_text(json.dumps(nodes))
        (place / file).write_text(json.dumps(links))
        for stem, content in others.items():
            (place / f"{stem}.json").write_text(json.dumps(content))
        return place

    return write
