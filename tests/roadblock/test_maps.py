import logging
from math import hypot, pi

import pytest
import shapely

from roadblock import maps
from tests.roadblock.road_maps import (
    K_CITY,
    LINKS,
    link,
    needs_k_city,
    node,
    with_changes,
)


@pytest.fixture(scope="module")
def k_city():
    return maps.load(K_CITY)


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
def test_k_city_is_in_the_list(tmp_path):
    (tmp_path / K_CITY.name).symlink_to(K_CITY)

    (info,) = maps.installed(tmp_path)

    assert info[:2] == (1, "K-City")


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
