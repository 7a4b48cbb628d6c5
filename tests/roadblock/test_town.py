from math import cos, hypot, pi

import numpy as np
import pytest
import shapely
from scipy.sparse import csgraph

from roadblock import maps, mgeo, surfaces, town


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("maps") / "MADANG_TOWN"
    town.build(place)
    return place


@pytest.fixture(scope="module")
def road_map(folder):
    return maps.load(folder)


@pytest.fixture(scope="module")
def rows(folder):
    return mgeo.read_rows(folder / "link_set.json")


def test_same_seed_same_bytes(folder, tmp_path):
    again = tmp_path / "AGAIN"
    town.build(again)

    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {path.name: path.read_bytes() for path in again.iterdir()} == files
    assert list(tmp_path.iterdir()) == [again]
    assert b"CC0-1.0" in files["global_info.json"]


# With seed 13 the first drawing has two junctions too close together.
@pytest.mark.parametrize("seed", [1, 13])
def test_other_seeds_other_towns(road_map, tmp_path, seed):
    town.build(tmp_path / "OTHER", seed)

    other = maps.load(tmp_path / "OTHER")
    assert len(other.nodes) >= 300
    assert other.nodes != road_map.nodes
    assert min(link.length for link in other.links.values()) > 2
    assert_drivable_everywhere(other)


def test_town_is_in_the_list(folder):
    (info,) = maps.installed(folder.parent)

    assert info[:2] == (100, "Madang Town")
    assert info.bbox == pytest.approx((0, 0, 1200, 1000), abs=6)


def test_inside_its_border_the_town_hangs_together(road_map):
    assert len(road_map.nodes) >= 300
    assert_drivable_everywhere(road_map)


def assert_drivable_everywhere(road_map):
    """From every street one can drive to every other, unless it crosses the border."""
    graph = road_map.graph(lane_changes=True).copy()
    graph.data[:] = 1
    _, labels = csgraph.connected_components(graph, connection="strong")
    largest = np.bincount(labels).argmax()
    entries = {idx for idx, link in road_map.links.items() if link.is_entrance}
    ways_in = {turn for idx in entries for turn in road_map.successors(idx)}
    for idx, link in road_map.links.items():
        crosses = link.is_entrance or link.is_exit or idx in ways_in
        leads_out = any(road_map.links[x].is_exit for x in road_map.successors(idx))
        inside = labels[road_map.index[idx]] == largest
        assert inside or crosses or leads_out, idx


def test_exits_and_entrances_are_on_the_border(road_map):
    ends = [link for link in road_map.links.values() if link.is_exit]
    starts = [link for link in road_map.links.values() if link.is_entrance]

    assert len(ends) == len(starts) == 12
    assert set(road_map.exits()) == {link.to_node for link in ends}
    places = [road_map.nodes[link.to_node] for link in ends]
    places += [road_map.nodes[link.from_node] for link in starts]
    frame = shapely.box(0, 0, 1200, 1000).exterior
    assert all(frame.distance(shapely.Point(place)) < 3 for place in places)


def test_links_end_at_their_nodes_and_go_on_in_the_same_direction(road_map):
    for link in road_map.links.values():
        for node, point in ((link.from_node, 0), (link.to_node, -1)):
            x, y = link.points[point]
            assert (
                hypot(x - road_map.nodes[node][0], y - road_map.nodes[node][1]) < 0.002
            )
        end = road_map.point_at(link.idx, link.length)
        for onward in road_map.successors(link.idx):
            start = road_map.point_at(onward, 0)
            assert cos(start.heading - end.heading) > cos(pi / 9)


def test_lanes_lie_beside_each_other_and_traffic_keeps_right(road_map, rows):
    two_lanes = [link for link in road_map.links.values() if link.right is not None]
    assert len(two_lanes) > 20
    for link in two_lanes:
        x, y, heading = road_map.point_at(link.idx, link.length / 2)
        neighbour, off, _ = road_map.nearest(
            x + 3.5 * cos(heading - pi / 2), y + 3.5 * np.sin(heading - pi / 2)
        )
        assert (neighbour, off < 0.2) == (link.right, True)
        assert road_map.links[link.right].left == link.idx


def test_kinds_of_links(rows):
    speeds = {row["max_speed"] for row in rows if row["link_type"] == "6"}
    turns = {row["related_signal"] for row in rows if row["link_type"] == "1"}

    assert speeds == {30, 50, 60, 80}
    assert turns == {"straight", "left", "right"}


def test_roundabouts_are_one_way_rings(road_map, rows):
    ring = {
        row["idx"] for row in rows if row["link_type"] == "6" and not row["ego_lane"]
    }
    left = set(ring)
    circles = []
    while left:
        first = lap = min(left)
        circle = []
        while lap not in circle:
            circle.append(lap)
            (lap,) = ring & set(road_map.successors(lap))
        assert lap == first
        assert all(road_map.links[idx].length > 2 for idx in circle)
        left -= set(circle)
        line = np.concatenate([road_map.links[idx].points[:-1] for idx in circle])
        circles.append(shapely.LinearRing(line))

    assert len(circles) == 5
    assert all(circle.is_ccw for circle in circles)
    assert all(
        circle.length == pytest.approx(2 * pi * 17, rel=0.01) for circle in circles
    )


def test_surface_shows_blocks_and_fits_the_lanes(folder, road_map):
    body = surfaces.surface(folder)

    (area,) = shapely.from_geojson(body).geoms
    assert area.geom_type == "Polygon"  # one town, in one piece
    assert len(area.interiors) > 50
    lines = [shapely.LineString(link.points) for link in road_map.links.values()]
    assert area.contains(shapely.MultiLineString(lines))


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        town.build(tmp_path / "file" / "TOWN")
