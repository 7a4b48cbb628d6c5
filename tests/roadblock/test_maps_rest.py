"""Road maps over HTTP: the list, and one map's surface under every condition."""

import gzip
import json
import os
import shutil

import pytest

from roadblock import maps, town

MAPS, TOWN = "/roadblock/maps", "/roadblock/maps/100"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "MADANG_TOWN"
    town.build(folder)
    return folder


@pytest.fixture
def folder(settings, tmp_path, built):
    """The town, installed; nothing else is."""
    settings.ROADBLOCK_MAPS_DIR = tmp_path
    return shutil.copytree(built, tmp_path / built.name)


@pytest.fixture
def surface(folder):
    return (folder / "merged_road_surfaces.geojson").read_bytes()


@pytest.fixture
def get(api, outsider, folder):
    """Ask for a map as somebody signed in."""
    client = api(outsider)
    return lambda path=TOWN, **headers: client.get(path, headers=headers)


def test_installed_maps_are_listed(get, folder):
    [town] = get(MAPS).json()["maps"]

    assert town == {
        "id": 100,
        "map_name": "Madang Town",
        "folder": "MADANG_TOWN",
        "bbox": list(maps.load(folder).bbox),
    }


def test_every_listed_map_can_be_fetched(get, folder):
    for name in ("R_KR_PG_K-City", "SOMEWHERE"):
        shutil.copytree(folder, folder.parent / name)
    (folder.parent / "R_KR_PG_KATRI").mkdir()  # nothing in it

    ids = [one["id"] for one in get(MAPS).json()["maps"]]

    assert ids == [1, 100, 101]
    assert [get(f"{MAPS}/{id}").status_code for id in ids] == [200, 200, 200]


def test_no_maps_at_all(get, settings, tmp_path):
    settings.ROADBLOCK_MAPS_DIR = tmp_path / "missing"

    assert get(MAPS).json() == {"maps": []}


def test_a_surface_is_geojson(get, surface):
    response = get(accept="application/geo+json, application/json")

    assert response.content == surface
    assert response["Content-Type"] == "application/json"
    assert response.json()["name"] == "merged_road_surfaces"


def test_a_surface_is_made_from_lanes_where_there_is_none(get, folder, surface):
    (folder / "merged_road_surfaces.geojson").unlink()

    assert get().json() == json.loads(surface)


def test_a_surface_is_new_when_its_folder_is(get, folder):
    before = get()
    (folder / "merged_road_surfaces.geojson").unlink()
    fresh = folder / "fresh"
    fresh.write_bytes(b'{"type":"FeatureCollection","features":[]}')
    fresh.rename(folder / "merged_road_surfaces.geojson")
    os.utime(folder, (1, 1))

    after = get()

    assert after.json() == {"type": "FeatureCollection", "features": []}
    assert after["ETag"] != before["ETag"]


def test_a_surface_is_packed_for_who_can_unpack(get, surface):
    response = get(accept_encoding="gzip, deflate")

    assert response["Content-Encoding"] == "gzip"
    assert int(response["Content-Length"]) < len(surface) / 2
    assert gzip.decompress(response.content) == surface
    assert "Accept-Encoding" in response["Vary"]


@pytest.mark.parametrize("encoding", ["", "identity", "br", "gzip;q=0"])
def test_a_surface_is_plain_for_others(get, surface, encoding):
    response = get(accept_encoding=encoding)

    assert "Content-Encoding" not in response
    assert response.content == surface


def test_a_small_surface_is_not_packed(get, folder):
    (folder / "merged_road_surfaces.geojson").write_bytes(b'{"features":[]}')

    assert get(accept_encoding="gzip").content == b'{"features":[]}'


def test_an_unchanged_surface_is_not_sent_again(get):
    first = get(accept_encoding="gzip")

    for condition in (
        {"if_none_match": first["ETag"]},
        {"if_none_match": f'W/{first["ETag"]}, "other"'},
        {"if_none_match": "*"},
        {"if_modified_since": first["Last-Modified"]},
    ):
        again = get(accept_encoding="gzip", **condition)
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]


def test_a_changed_surface_is_sent(get, surface):
    response = get(if_none_match='"other"')

    assert (response.status_code, response.content) == (200, surface)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=0-99999999", slice(None)),
        ("bytes=-99999999", slice(None)),
    ],
)
def test_parts_of_a_surface(get, surface, wanted, part):
    response = get(range=wanted, accept_encoding="gzip")

    start, end, _ = part.indices(len(surface))
    assert response.status_code == 206
    assert response.content == surface[part]
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{len(surface)}"
    assert response["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0", "bytes=9-1"])
def test_a_part_that_is_not_there(get, surface, wanted):
    response = get(range=wanted)

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(surface)}"
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize(
    "wanted",
    ["bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", f"bytes={'9' * 5000}-"],
)
def test_a_range_that_is_none_is_passed_over(get, surface, wanted):
    response = get(range=wanted)

    assert (response.status_code, response.content) == (200, surface)


def test_a_part_of_another_version_is_not_mixed_in(get, surface):
    etag = get()["ETag"]

    same, other = (get(range="bytes=0-9", if_range=one) for one in (etag, '"other"'))

    assert same.content == surface[:10]
    assert (other.status_code, other.content) == (200, surface)


@pytest.mark.parametrize(
    ("id", "status"),
    [
        *(("1", 404), ("4", 404), ("0", 404), ("-1", 404), ("9" * 30, 404)),
        *(("abc", 422), ("1.0", 422), ("%00", 422), ("K-City", 422)),
    ],
)
def test_a_map_that_is_none(get, id, status):
    response = get(f"{MAPS}/{id}")

    detail = response.json()["detail"]
    assert response.status_code == status
    assert isinstance(detail, list if status == 422 else str)


def test_slash_and_prefix(get, surface):
    for path in (TOWN + "/", "/roadblock/api/maps/100", "/roadblock/api/maps/100/"):
        assert get(path).content == surface


@pytest.mark.parametrize("path", [MAPS, TOWN])
def test_nobody_sees_a_map(api, db, folder, path):
    assert api().get(path).status_code == 401
