"""The runner models: what they draw can be driven, and in the seconds they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadblock.interception import graph as graphs
from roadblock.interception import routes
from tests.roadblock.streets import grid, road_map, with_ways_out

GRAPH = graphs.build(with_ways_out(5, 4, ["0-0", "4-0", "4-3"]), spacing=70.0)
CLOSED = graphs.build(grid(4, 4))


def start(graph, name="2-2"):
    return graph.at(graph.names.index(name))


def named(graph, nodes):
    return [graph.names[node] for node in nodes if node >= 0]


@pytest.mark.parametrize("model", routes.MODELS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), horizon=st.floats(5, 200))
def test_every_route_can_be_driven_in_its_seconds(model, seed, horizon):
    for graph in (GRAPH, CLOSED):
        drawn = routes.sample(
            graph, start(graph), horizon=horizon, count=20, seed=seed, models={model: 1}
        )

        assert drawn.weights.sum() == pytest.approx(1.0)
        for nodes, seconds in zip(drawn.nodes, drawn.seconds, strict=True):
            length = int((nodes >= 0).sum())
            assert (nodes[length:] == -1).all()
            assert np.isinf(seconds[length:]).all()
            edges = graph.edges(nodes[: length - 1], nodes[1:length])
            assert (edges >= 0).all()
            assert np.diff(seconds[:length]) == pytest.approx(graph.seconds[edges])
            assert seconds[0] == 0
            assert seconds[length - 1] <= horizon


def test_equal_seeds_give_equal_routes():
    draw = [
        routes.sample(GRAPH, start(GRAPH), horizon=90, count=60, seed=seed)
        for seed in (7, 7, 8)
    ]

    assert np.array_equal(draw[0].nodes, draw[1].nodes)
    assert np.array_equal(draw[0].seconds, draw[1].seconds)
    assert not np.array_equal(draw[0].nodes[:, :20], draw[2].nodes[:, :20])


def test_models_share_the_probability():
    drawn = routes.sample(
        GRAPH, start(GRAPH), horizon=90, count=100, seed=1,
        models={"shortest": 3.0, "walk": 1.0},
    )  # fmt: skip

    assert np.bincount(drawn.models).tolist() == [75, 25]
    assert np.bincount(drawn.models, drawn.weights) == pytest.approx([0.75, 0.25])


def test_shortest_ways_end_at_exits_and_take_the_least_seconds():
    drawn = routes.shortest(GRAPH, start(GRAPH), 90.0, 200, np.random.default_rng(1))
    least = GRAPH.arrivals([start(GRAPH)])[0]

    ends = set()
    for nodes, seconds in zip(drawn.nodes, drawn.seconds, strict=True):
        last = int((nodes >= 0).sum()) - 1
        ends.add(GRAPH.names[nodes[last]])
        assert seconds[last] == pytest.approx(least[nodes[last]])
    assert ends == {"out of 0-0", "out of 4-0", "out of 4-3"}


def test_near_exits_are_preferred():
    drawn = routes.shortest(GRAPH, start(GRAPH), 60.0, 3000, np.random.default_rng(1))
    ends = [named(GRAPH, nodes)[-1] for nodes in drawn.nodes]

    near, far = ends.count("out of 4-3"), ends.count("out of 0-0")
    assert near > far > 0


def test_misjudged_roads_make_other_ways():
    dice = np.random.default_rng(1)
    ways = {
        model: {
            tuple(nodes[nodes >= 0])
            for nodes in routes.MODELS[model](
                GRAPH, start(GRAPH), 90.0, 300, dice
            ).nodes
        }
        for model in ("shortest", "perturbed")
    }

    assert len(ways["perturbed"]) > 2 * len(ways["shortest"])


def test_a_walk_turns_back_only_in_a_dead_end():
    drawn = routes.walk(CLOSED, start(CLOSED), 300.0, 100, np.random.default_rng(1))
    for nodes in drawn.nodes:
        way = nodes[nodes >= 0]
        assert (way[2:] != way[:-2]).all()

    dead_end = graphs.build(grid(3, 1))
    drawn = routes.walk(
        dead_end, start(dead_end, "0-0"), 40.0, 5, np.random.default_rng(1)
    )
    assert named(dead_end, drawn.nodes[0]) == ["0-0", "1-0", "2-0", "1-0", "0-0", "1-0"]


def test_without_exits_the_rim_of_what_can_be_reached_counts():
    seconds = CLOSED.arrivals([start(CLOSED, "0-0")])[0]

    rim = routes.goals(CLOSED, seconds, 17.0)

    assert named(CLOSED, sorted(rim)) == ["0-2", "1-1", "2-0"]


def test_a_runner_before_a_long_road_has_one_place_to_go():
    graph = graphs.build(road_map({"A": (0, 0), "B": (900, 0)}, [("A", "B")]))

    drawn = routes.sample(graph, graph.locate(10, 0), horizon=5, count=9, seed=1)

    assert {tuple(named(graph, nodes)) for nodes in drawn.nodes} == {("B",)}


def test_a_faster_runner_comes_sooner_and_farther():
    slow, fast = (
        routes.sample(
            CLOSED, start(CLOSED), horizon=60, count=50, seed=3, pace=pace,
            models={"walk": 1},
        )
        for pace in (1.0, 2.0)
    )  # fmt: skip

    assert fast.seconds[:, 1] == pytest.approx(slow.seconds[:, 1] / 2)
    assert (fast.nodes >= 0).sum() > 1.8 * (slow.nodes >= 0).sum()


def test_a_recorded_drive_is_a_route():
    track = [(0, 0, 100), (60, 0, 104), (120, 0, 108), (120, 60, 112), (120, 120, 117)]
    graph = graphs.build(grid(3, 3))

    drive = routes.recorded(graph, track, horizon=60)

    assert named(graph, drive.nodes[0]) == ["0-0", "1-0", "1-1"]
    assert drive.seconds[0] == pytest.approx([0.2, 8.0, 17.0], abs=0.5)
    assert drive.weights.tolist() == [1.0]


def test_a_drive_elsewhere_is_no_route_here():
    with pytest.raises(ValueError, match="no place"):
        routes.recorded(CLOSED, [(9000, 0, 0), (9100, 0, 9)], horizon=60)
