"""The graph of places: seconds, headings, lanes beside, and where cars are on it."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadblock import maps
from roadblock.interception import graph as graphs
from roadblock.roadmap import RoadMap
from tests.roadblock.road_maps import K_CITY, needs_k_city
from tests.roadblock.streets import grid, road_map


def two_lanes(length=100.0):
    """Lanes A to B and C to D side by side, and a way on from D to E."""
    nodes = {
        "A": (0.0, 0.0), "B": (length, 0.0), "C": (0.0, 3.5), "D": (length, 3.5),
        "E": (2 * length, 3.5),
    }  # fmt: skip
    roads = road_map(nodes, [("A", "B"), ("C", "D"), ("D", "E")], speed=10.0)
    links = dict(roads.links)
    links["A>B"] = replace(links["A>B"], left="C>D")
    return RoadMap(nodes, links)


def row(graph, name):
    return graph.names.index(name)


def seconds(graph, start, goal):
    return graph.arrivals([graph.at(row(graph, start))])[0, row(graph, goal)]


def test_seconds_are_those_of_the_limits():
    graph = graphs.build(grid(3, 2, block=120.0, speed=15.0))

    assert seconds(graph, "0-0", "2-1") == pytest.approx(3 * 8.0)


def test_better_known_seconds_replace_those_of_the_limits():
    graph = graphs.build(grid(2, 1), seconds={"0-0>1-0": 99.0})

    assert seconds(graph, "0-0", "1-0") == pytest.approx(99.0)
    assert seconds(graph, "1-0", "0-0") == pytest.approx(8.0)


def test_one_way_streets_lead_one_way():
    graph = graphs.build(road_map({"A": (0, 0), "B": (50, 0)}, [("A", "B")]))

    assert seconds(graph, "B", "A") == np.inf


def test_a_lane_change_leads_to_the_end_of_the_lane_beside():
    roads = two_lanes()

    assert seconds(graphs.build(roads), "A", "E") == pytest.approx(20.0)
    assert seconds(graphs.build(roads, lane_changes=False), "A", "E") == np.inf


@given(spacing=st.floats(5, 500))
def test_places_between_change_no_seconds(spacing):
    graph = graphs.build(two_lanes(), spacing=spacing)

    for start, goal in (("A", "B"), ("A", "E"), ("C", "E")):
        plain = seconds(graphs.build(two_lanes()), start, goal)
        assert seconds(graph, start, goal) == pytest.approx(plain)
    for tail, head in zip(graph.tails, graph.heads, strict=True):
        way = np.hypot(*(graph.points[tail] - graph.points[head]))
        assert way <= 2 * spacing + 4


def test_a_car_across_the_road_blocks_the_lane_beside():
    graph = graphs.build(two_lanes(), reach=4.0)

    blocked = graph.abreast[[row(graph, "A")]].indices
    assert sorted(graph.names[each] for each in blocked) == ["A", "C"]
    narrow = graphs.build(two_lanes(), reach=3.0)
    assert narrow.abreast[[row(narrow, "A")]].indices.tolist() == [row(narrow, "A")]


def test_edges_are_found_by_their_ends():
    graph = graphs.build(grid(3, 3))

    found = graph.edges(graph.tails, graph.heads)

    assert found.tolist() == list(range(len(graph.tails)))
    assert graph.edges([row(graph, "0-0")], [row(graph, "2-2")]).tolist() == [-1]


@pytest.mark.parametrize(
    ("heading", "ahead", "after"), [(0.1, "1-0", 6.0), (pi - 0.1, "0-0", 2.0)]
)
def test_the_heading_tells_the_lane(heading, ahead, after):
    graph = graphs.build(grid(2, 1))

    start = graph.locate(30.0, 0.5, heading)

    assert [graph.names[place] for place in start.places] == [ahead]
    assert start.seconds.tolist() == pytest.approx([after])


def test_a_car_may_go_on_in_the_lane_beside():
    graph = graphs.build(two_lanes(), spacing=25.0)

    start = graph.locate(30.0, 0.0, 0.0)

    assert [graph.names[place] for place in start.places] == ["A>B@50", "C>D@50"]
    assert start.seconds.tolist() == pytest.approx([2.0, 2.0])


def test_no_place_has_such_coordinates():
    with pytest.raises(ValueError, match="nan"):
        graphs.build(grid(2, 1)).locate(float("nan"), 0.0)


@needs_k_city
def test_k_city_agrees_with_its_routes():
    roads = maps.load(K_CITY)
    plain, fine = (
        graphs.build(roads, lane_changes=False, spacing=spacing)
        for spacing in (np.inf, 50.0)
    )
    dice = np.random.default_rng(1)

    for start, goal in dice.choice(roads.ids, size=(40, 2)).tolist():
        route = roads.route(start, goal, by="time")
        ends = roads.links[start].to_node, roads.links[goal].from_node
        for graph in (plain, fine):
            found = seconds(graph, *ends)
            expected = route.seconds - roads.links[start].seconds if route else np.inf
            if start != goal:
                # The route drives its first link; the graph may find another way.
                assert found <= expected + 1e-5
        assert seconds(plain, *ends) == pytest.approx(seconds(fine, *ends))
