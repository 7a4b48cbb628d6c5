import json
import logging
import os
from math import hypot, pi
from pathlib import Path

import pytest
import shapely

from roadblock import maps, mgeo, surfaces, utm

REPO = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("MADANG_CONTRACTS", REPO.parent / "shared/contracts"))
K_CITY = CONTRACTS / "roadblock/maps/R_KR_PG_K-City"

needs_k_city = pytest.mark.skipif(
    not K_CITY.is_dir(), reason="The licensed K-City map isn't here (MADANG_CONTRACTS)"
)


@pytest.fixture(scope="module")
def k_city():
    return maps.load(K_CITY)


@pytest.fixture(scope="module")
def expected():
    return json.loads((K_CITY / "expected.json").read_text())


def node(idx, x, y, **more):
    return {"idx": idx, "point": [x, y, 0.0], "node_type": None} | more


def link(idx, start, end, points, **more):
    return {
        "idx": idx,
        "from_node_idx": start,
        "to_node_idx": end,
        "points": points,
    } | more


# Two lanes east from A and B to C and D, and a way on from C to E.
NODES = [
    node("A", 0, 0),
    node("B", 0, -4),
    node("C", 100, 0),
    node("D", 100, -4),
    node("E", 100, 50),
]
LINKS = [
    link("AC", "A", "C", [[0, 0], [0, 0], [60, 0], [60, 0], [100, 0]], max_speed="36"),
    link("BD", "B", "D", [[0, -4, 1.5], [100, -4, 1.5]]),
    link("CE", "C", "E", [[100, 0], [100, 50]], max_speed=72, is_exit=True),
]


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


def with_changes(row, **changes):
    return [row | changes if x is row else x for x in LINKS]


@needs_k_city
def test_k_city_counts(k_city, expected):
    assert len(k_city.nodes) == expected["nodes"]
    assert len(k_city.links) == expected["links"]
    total = sum(link.length for link in k_city.links.values())
    assert total == pytest.approx(expected["total_metres_2d"], abs=0.01)


@needs_k_city
def test_k_city_components(k_city, expected):
    by_nodes, by_links = k_city.node_components(), k_city.link_components()

    assert by_nodes.weak == expected["node_graph"]["weak_components"]
    assert by_nodes.strong[:5] == expected["node_graph"]["largest_strong_components"]
    with_changes = expected["link_graph_with_lane_changes"]
    assert by_links.weak == with_changes["weak_components"]
    assert by_links.strong == with_changes["largest_strong_components"]


@needs_k_city
def test_k_city_routes(k_city, expected):
    found = [k_city.route(x["from_link"], x["to_link"]) for x in expected["routes"]]

    metres = [route and round(route.metres, 3) for route in found]
    assert metres == [x["metres"] for x in expected["routes"]]
    for route in filter(None, found):
        for before, after in zip(route.links, route.links[1:], strict=False):
            assert after in k_city.successors(before)


@needs_k_city
def test_k_city_nearest_links(k_city, expected):
    for case in expected["nearest"]:
        x, y = case["point"]

        link, off, along = k_city.nearest(x, y)

        assert (link, round(off, 3)) == (case["link"], case["metres"])
        place = k_city.point_at(link, along)
        assert hypot(place.x - x, place.y - y) == pytest.approx(off)


@needs_k_city
def test_k_city_on_earth(k_city, expected):
    first = expected["first_node_wgs84"]
    origin = expected["origin_wgs84"]

    assert k_city.to_wgs84(0, 0) == pytest.approx(
        (origin["lat"], origin["lon"]), abs=1e-6
    )
    assert k_city.nodes[first["idx"]] == tuple(first["local"][:2])
    assert k_city.to_wgs84(*first["local"][:2]) == pytest.approx(
        (first["lat"], first["lon"]), abs=1e-6
    )


@needs_k_city
def test_k_city_bounds(k_city, expected):
    nodes = shapely.MultiPoint(list(k_city.nodes.values()))
    minx, miny, maxx, maxy = k_city.bbox

    assert nodes.bounds == pytest.approx(expected["node_bbox"], abs=0.001)
    # The surface reaches 5.2 m beyond the lanes.
    outer = (minx - 5.2, miny - 5.2, maxx + 5.2, maxy + 5.2)
    assert outer == pytest.approx(expected["surface"]["bbox"], abs=0.01)


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


@needs_k_city
def test_k_city_is_in_the_list(tmp_path):
    (tmp_path / K_CITY.name).symlink_to(K_CITY)

    (info,) = maps.installed(tmp_path)

    assert info[:2] == (1, "K-City")


def test_utm_south_of_the_equator():
    # The metres are those that PROJ gives for Sydney's opera house.
    place = utm.to_wgs84(334900.5697, 6252288.7529, 56, south=True)

    assert place == pytest.approx((-33.8568, 151.2153), abs=1e-8)


def test_speeds_and_lengths(folder):
    road_map = maps.load(folder())

    speeds = {idx: link.speed * 3.6 for idx, link in road_map.links.items()}
    assert speeds == pytest.approx({"AC": 36, "BD": 50, "CE": 72})
    assert [link.length for link in road_map.links.values()] == [100, 100, 50]
    assert road_map.links["AC"].points.tolist() == [[0, 0], [60, 0], [100, 0]]
    assert road_map.bbox == (0, -4, 100, 50)


@pytest.mark.parametrize("speed", [None, 0, "0", "fast", -5, [], float("nan"), 10**400])
def test_a_senseless_speed_is_fifty(folder, speed):
    road_map = maps.load(folder(links=with_changes(LINKS[2], max_speed=speed)))

    assert road_map.links["CE"].speed == pytest.approx(50 / 3.6)


def test_point_at_stays_on_the_link(folder):
    road_map = maps.load(folder())

    assert road_map.point_at("AC", 70) == (70, 0, 0)
    assert road_map.point_at("CE", 20) == (100, 20, pi / 2)
    assert road_map.point_at("AC", -1) == (0, 0, 0)
    assert road_map.point_at("AC", 1e9) == (100, 0, 0)


def test_nearest(folder):
    road_map = maps.load(folder())

    assert road_map.nearest(65, 3) == ("AC", 3, 65)
    assert road_map.nearest(-3, -8) == ("BD", 5, 0)
    with pytest.raises(ValueError, match="nan"):
        road_map.nearest(float("nan"), 0)


def test_route_by_length_and_time(folder):
    detour = link("slow", "C", "E", [[100, 0], [100, 49], [100, 50]], max_speed=1)
    after = link("EF", "E", "A", [[100, 50], [0, 0]])
    road_map = maps.load(folder(links=[*with_changes(LINKS[2], points=[
        [100, 0], [130, 25], [100, 50]]), detour, after]))  # fmt: skip

    assert road_map.route("AC", "EF").links == ["AC", "slow", "EF"]
    by_time = road_map.route("AC", "EF", by="time")
    assert by_time.links == ["AC", "CE", "EF"]
    assert by_time.metres == pytest.approx(100 + 2 * hypot(30, 25))
    assert by_time.seconds == pytest.approx(10 + 2 * hypot(30, 25) / 20)


def test_route_to_itself_to_nowhere_and_to_the_unknown(folder):
    road_map = maps.load(folder())

    assert road_map.route("AC", "AC") == (["AC"], 0, 0)
    assert road_map.route("CE", "AC") is None
    with pytest.raises(KeyError):
        road_map.route("AC", "XY")


def test_lane_change_costs_nothing_but_needs_to_be_wanted(folder):
    rows = with_changes(
        LINKS[1], can_move_left_lane=True, left_lane_change_dst_link_idx="AC"
    )
    road_map = maps.load(folder(links=rows))

    assert road_map.route("BD", "CE") is None
    route = road_map.route("BD", "CE", lane_changes=True)
    assert route[:2] == (["BD", "AC", "CE"], 100)
    assert road_map.link_components().weak == [3]
    assert road_map.link_components(lane_changes=False).weak == [2, 1]
    graph = road_map.graph(lane_changes=True)
    assert graph[road_map.index["AC"], road_map.index["CE"]] == 100
    assert graph.nnz == 2  # the change is there, as a stored zero


@pytest.mark.parametrize(
    "change",
    [
        {"can_move_left_lane": False, "left_lane_change_dst_link_idx": "AC"},
        {"can_move_left_lane": True, "left_lane_change_dst_link_idx": None},
        {"can_move_left_lane": True, "left_lane_change_dst_link_idx": "gone"},
        {"can_move_left_lane": True},
    ],
)
def test_no_lane_change_without_flag_and_lane(folder, change):
    road_map = maps.load(folder(links=with_changes(LINKS[1], **change)))

    assert road_map.links["BD"].changes == ()


def test_exits_are_flagged_or_dead_ends(folder):
    assert maps.load(folder()).exits() == ["D", "E"]

    back = link("EA", "E", "A", [[100, 50], [0, 0]])
    assert maps.load(folder("ROUND", links=[*LINKS, back])).exits() == ["D", "E"]


def test_link_without_extent_still_connects(folder):
    rows = with_changes(LINKS[2], to_node_idx="C", points=[[100, 0], [100, 0]])
    rows.append(link("CE2", "C", "E", [[100, 0], [100, 50]]))
    road_map = maps.load(folder(links=rows))

    assert road_map.links["CE"].length == 0
    assert road_map.point_at("CE", 1) == (100, 0, 0)
    assert road_map.nearest(101, 25) == ("CE2", 1, 25)


def test_exact_links_are_preferred(folder):
    place = folder(link_set_2d=LINKS[:2], link_set_2d_simplified=LINKS[:1])

    assert len(maps.load(place).links) == 3
    (place / "link_set.json").unlink()
    assert len(maps.load(place).links) == 2
    (place / "link_set_2d.json").unlink()
    assert len(maps.load(place).links) == 1


def test_load_reads_again_only_what_changed(folder):
    place = folder()
    first = maps.load(place)
    assert maps.load(place) is first

    folder(links=LINKS[:2])

    assert len(maps.load(place).links) == 2


@pytest.mark.parametrize(
    "info",
    [{}, {"local_origin_in_global": None}, {"local_origin_in_global": [1, 2, 3]}],
)
def test_map_without_a_place_on_earth(folder, info):
    road_map = maps.load(folder(global_info=info))

    with pytest.raises(maps.MapError, match="where on Earth"):
        road_map.to_wgs84(0, 0)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"links": []}, "no links"),
        ({"links": {}}, "not a list"),
        ({"links": [1]}, "not a list"),
        ({"links": [*LINKS, LINKS[0]]}, "same idx"),
        ({"links": with_changes(LINKS[0], idx=None)}, "idx is missing"),
        ({"links": with_changes(LINKS[0], to_node_idx="Z")}, "names node Z"),
        ({"links": with_changes(LINKS[0], to_node_idx=None)}, "to_node_idx is missing"),
        ({"links": with_changes(LINKS[0], points=[[0, 0]])}, "fewer than two"),
        ({"links": with_changes(LINKS[0], points=[])}, "no usable points"),
        ({"links": with_changes(LINKS[0], points=None)}, "no usable points"),
        ({"links": with_changes(LINKS[0], points=[[0, 0], [1]])}, "no usable points"),
        ({"links": with_changes(LINKS[0], points=[[0, 0], [1, None]])}, "no usable"),
        ({"nodes": []}, "names node A"),
        ({"nodes": [{"idx": "A"}]}, "no usable point"),
        ({"nodes": [node("A", float("nan"), 0)]}, "no usable point"),
        ({"global_info": []}, "not an object"),
        ({"file": "links.json"}, "none of link_set.json"),
    ],
)
def test_unusable_maps_say_why(folder, broken, message):
    with pytest.raises(maps.MapError, match=message):
        maps.load(folder(**broken))


def test_files_that_are_no_json(folder):
    place = folder()
    (place / "link_set.json").write_bytes(b'[{"idx": "\xff')

    with pytest.raises(maps.MapError, match="not valid JSON"):
        maps.load(place)


def test_installed_lists_known_and_unknown_maps(folder, tmp_path, caplog):
    folder("R_US_PR_LVCC")
    folder("ZOO")
    folder("ALLEY")
    folder("BROKEN", links=[])
    folder(".half-made")
    (tmp_path / "notes").mkdir()

    with caplog.at_level(logging.WARNING, logger="roadblock.maps"):
        listed = [maps.installed(tmp_path) for _ in range(2)]

    assert listed[0] == listed[1]
    assert [info[:2] for info in listed[0]] == [
        (6, "라스베가스 컨벤션 센터"),
        (101, "ALLEY"),
        (103, "ZOO"),  # a broken map keeps its number
    ]
    assert listed[0][1].folder == tmp_path / "ALLEY"
    assert listed[0][1].bbox == (0, -4, 100, 50)
    assert caplog.messages == ["Map BROKEN is not usable: the map has no links"]


def test_no_maps_directory_no_maps(tmp_path):
    assert maps.installed(tmp_path / "nowhere") == []


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
