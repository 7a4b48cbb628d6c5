import json

import pytest

from tests.browsing import browser, chromium, site
from tests.roadblock.road_maps import K_CITY, LINKS, NODES

__all__ = ["browser", "chromium", "expected", "folder", "site"]


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
