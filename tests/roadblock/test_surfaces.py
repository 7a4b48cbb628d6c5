import json
from pathlib import Path

import pytest
import shapely

from roadblock import maps, surfaces
from tests.roadblock.road_maps import K_CITY, needs_k_city


@needs_k_city
@pytest.mark.parametrize(
    "files",
    [
        ["merged_road_surfaces.geojson"],
        ["link_set_2d_simplified.json"],
        ["link_set.json"],
    ],
)
def test_k_city_surface_as_delivered_and_recomputed(tmp_path, expected, files):
    for name in files:
        (tmp_path / name).write_bytes((K_CITY / name).read_bytes())

    body = surfaces.surface(tmp_path)

    wanted = expected["surface"]
    assert round(surfaces.square_metres(body), 1) == wanted["square_metres"]
    geometries = [x["geometry"] for x in json.loads(body)["features"]]
    assert len(geometries) == wanted["polygons"]
    assert sum(len(x["coordinates"]) for x in geometries) == wanted["rings"]
    bounds = shapely.from_geojson(body).bounds
    assert bounds == pytest.approx(wanted["bbox"], abs=0.001)


def test_computed_surface_is_kept(folder):
    place = folder()

    body = surfaces.surface(place)

    assert (place / "merged_road_surfaces.geojson").read_bytes() == body
    assert not list(place.glob(".*"))
    (feature,) = json.loads(body)["features"]
    assert feature["properties"]["method"] == "buffer+dissolve"
    # Without widths a lane is 4 m wide, so its surface reaches 5.45 m to each side.
    assert shapely.from_geojson(body).bounds == (-5.45, -9.45, 105.45, 55.45)


def test_surface_of_a_folder_that_cannot_be_written(folder, monkeypatch):
    def refuse(*args):
        raise PermissionError

    place = folder()
    monkeypatch.setattr(Path, "write_bytes", refuse)

    assert surfaces.square_metres(surfaces.surface(place)) > 1000
    assert not (place / "merged_road_surfaces.geojson").exists()


def test_surface_of_nothing(tmp_path):
    with pytest.raises(maps.MapError, match="none of"):
        surfaces.surface(tmp_path)
