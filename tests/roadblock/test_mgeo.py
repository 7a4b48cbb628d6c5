import pytest

from roadblock import maps, mgeo
from tests.roadblock.road_maps import LINKS


def test_replacing_keeps_the_old_folder_when_something_fails(folder, tmp_path):
    place = folder()

    def fail(fresh):
        (fresh / "node_set.json").touch()
        raise RuntimeError

    with pytest.raises(RuntimeError), mgeo.replacing(place) as fresh:
        fail(fresh)

    assert len(maps.load(place).links) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["SMALL"]


def test_replacing_swaps_whole_folders(folder, tmp_path):
    place = folder()

    with mgeo.replacing(place) as fresh:
        mgeo.copy(folder("OTHER", links=LINKS[:2], stranger={}), fresh)

    assert sorted(x.name for x in place.iterdir()) == ["link_set.json", "node_set.json"]
    assert len(maps.load(place).links) == 2
