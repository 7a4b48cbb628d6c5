"""The whole planner against brute force over all places, and what plans tell."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadblock import maps
from roadblock.interception import graph as graphs
from roadblock.interception import planning, routes
from roadblock.interception.planning import WORST, Situation, Unit
from tests.roadblock.road_maps import K_CITY, needs_k_city
from tests.roadblock.streets import grid, with_ways_out

SMALL = graphs.build(with_ways_out(3, 3, ["0-0", "2-0", "2-2"]))
OPEN = [each for each in range(SMALL.size) if not SMALL.names[each].startswith("out")]
places = st.sampled_from(OPEN)


def situation(graph, runner, units, *, horizon=60.0, seed=1, count=30, **more):
    drawn = routes.sample(
        graph, graph.at(runner), horizon=horizon, count=count, seed=seed
    )
    units = [Unit(10 + i, graph.at(place)) for i, place in enumerate(units)]
    return Situation(graph, drawn, units, **more)


def posts(plan):
    return {each.unit: each.place for each in plan.placements}


def caught_by_hand(one, choice):
    """The share that posts catch, from the definition alone."""
    total = 0.0
    for nodes, seconds, weight in zip(
        one.routes.nodes, one.routes.seconds, one.routes.weights, strict=True
    ):
        total += weight * any(
            moment >= one.arrivals[unit - 10, place] + one.margin
            for unit, place in choice.items()
            for node, moment in zip(nodes, seconds, strict=True)
            if node >= 0 and SMALL.abreast[[place]].indices.tolist().count(node)
        )
    return total


@settings(max_examples=40, deadline=None)
@given(
    runner=places,
    units=st.lists(places, min_size=1, max_size=2),
    seed=st.integers(0, 2**32),
    margin=st.floats(0, 12),
    goal=st.sampled_from([planning.EXPECTED, WORST]),
)
def test_no_choice_of_places_is_better(runner, units, seed, margin, goal):
    one = situation(SMALL, runner, units, seed=seed, margin=margin)

    plan = one.plan(goal, 5.0)

    numbers = [10 + i for i in range(len(units))]
    best = max(
        one.share(dict(zip(numbers, choice, strict=True)), goal)
        for choice in product(range(SMALL.size), repeat=len(units))
    )
    assert plan.proven
    assert plan.share == pytest.approx(best)
    assert one.share(posts(plan), goal) == pytest.approx(best)


@settings(max_examples=40, deadline=None)
@given(
    runner=places,
    choice=st.lists(st.tuples(places, places), min_size=1, max_size=3),
    margin=st.floats(0, 12),
)
def test_the_share_is_what_the_definition_says(runner, choice, margin):
    one = situation(SMALL, runner, [unit for unit, _ in choice], margin=margin)
    chosen = {10 + i: place for i, (_, place) in enumerate(choice)}

    assert one.share(chosen) == pytest.approx(caught_by_hand(one, chosen))


@settings(max_examples=25, deadline=None)
@given(
    runner=places,
    units=st.lists(places, min_size=2, max_size=4),
    margins=st.tuples(st.floats(0, 20), st.floats(0, 20)),
)
def test_more_units_and_smaller_margins_never_catch_less(runner, units, margins):
    small, large = sorted(margins)

    def best(units, margin):
        return situation(SMALL, runner, units, margin=margin).plan().share

    assert best(units, small) >= best(units[1:], small) - 1e-9
    assert best(units, small) >= best(units, large) - 1e-9


def test_a_placement_explains_itself():
    graph = graphs.build(grid(4, 1))
    runner, unit = graph.names.index("0-0"), graph.names.index("3-0")

    plan = situation(graph, runner, [unit], horizon=25.0).plan()

    (only,) = plan.placements
    assert (only.unit, only.node) == (10, "3-0")
    assert (only.x, only.y) == (360.0, 0.0)
    assert abs(np.cos(only.heading)) < 1e-6  # the road runs east
    assert (only.eta, only.slack) == pytest.approx((0.0, 24.0), abs=1e-5)
    assert (only.share, only.loss) == pytest.approx((plan.share, plan.share))
    assert (plan.share, plan.bound, plan.gap, plan.proven) == (
        pytest.approx(1.0), pytest.approx(1.0), pytest.approx(0.0), True,
    )  # fmt: skip


def test_units_that_add_nothing_get_no_post():
    graph = graphs.build(grid(4, 1))
    runner, unit = graph.names.index("0-0"), graph.names.index("3-0")

    plan = situation(graph, runner, [unit, unit, unit], horizon=25.0).plan()

    assert len(plan.placements) == 1
    assert plan.share == pytest.approx(1.0)


def test_a_unit_on_its_post_need_not_drive_round_the_block():
    graph = graphs.build(grid(3, 3))
    held = graph.names.index("1-0")
    drawn = routes.sample(
        graph, graph.at(graph.names.index("0-0")), horizon=30, count=20, seed=1
    )
    just_past = graph.locate(122.0, 0.0, 0.0)

    moving, standing = (
        Situation(graph, drawn, [Unit(1, just_past, holds=holds)]).arrivals[0, held]
        for holds in (None, held)
    )

    assert moving > 10
    assert standing == 0


def test_what_an_operator_chose_is_judged_by_the_same_measure():
    one = situation(SMALL, OPEN[4], OPEN[:2])
    best = one.plan()

    judged = one.judge(posts(best))
    other = one.judge({10: OPEN[0]})

    assert judged.share == pytest.approx(best.share)
    assert judged.placements == best.placements
    assert other.share <= best.share
    assert other.bound >= best.share - 1e-9


def test_heat_is_the_probability_of_each_road():
    graph = graphs.build(grid(3, 1))
    drawn = routes.sample(
        graph, graph.at(graph.names.index("0-0")), horizon=17, count=9, seed=1
    )

    edges, heat = planning.heat(graph, drawn)

    names = graph.names
    assert {
        (names[graph.tails[e]], names[graph.heads[e]]): round(float(p), 6)
        for e, p in zip(edges, heat, strict=True)
    } == {("0-0", "1-0"): 1.0, ("1-0", "2-0"): 1.0}


def test_nobody_there_catches_nobody():
    plan = situation(SMALL, OPEN[0], []).plan()

    assert (plan.placements, plan.share, plan.bound, plan.proven) == ((), 0, 0, True)


# Containment


def simple_ways(graph, start, exits, limit):
    """All ways to exits that pass no place twice, by depth-first search."""
    followers = {place: [] for place in range(graph.size)}
    for tail, head, cost in zip(graph.tails, graph.heads, graph.seconds, strict=True):
        followers[int(tail)].append((int(head), float(cost)))

    def on(way):
        place, moment = way[-1]
        if place in exits:
            yield list(way)
            return
        for head, cost in followers[place]:
            if all(head != seen for seen, _ in way):
                yield from on([*way, (head, moment + cost)])

    return on([(start, 0.0)])


@settings(max_examples=25, deadline=None)
@given(
    runner=places,
    units=st.lists(places, min_size=1, max_size=2),
    margin=st.floats(0, 10),
)
def test_containment_against_brute_force(runner, units, margin):
    one = situation(SMALL, runner, units, margin=margin)
    exits = SMALL.exits.tolist()
    ways = list(simple_ways(SMALL, runner, exits, 200.0))

    def cuts(choice):
        return all(
            any(
                moment >= one.arrivals[unit, post] + margin
                and place in SMALL.abreast[[post]].indices
                for unit, post in enumerate(choice)
                if post is not None
                for place, moment in way
            )
            for way in ways
        )

    options = product([None, *range(SMALL.size)], repeat=len(units))
    sizes = [sum(post is not None for post in one) for one in options if cuts(one)]

    found = one.contain(SMALL.at(runner), 200.0, seconds=20.0)

    assert found.possible is bool(sizes)
    if sizes:
        assert len(found.posts) == found.fewest == min(sizes)
        choice = [found.posts.get(unit) for unit in range(len(units))]
        assert cuts(choice)
    else:
        assert found.posts == {}
        assert found.ways


# The real map


@needs_k_city
def test_five_units_on_k_city_get_a_proven_plan_within_a_second():
    graph = graphs.build(maps.load(K_CITY), spacing=100.0)
    dice = np.random.default_rng(5)

    for seed in range(5):
        runner, *units = dice.integers(graph.size, size=6).tolist()
        one = situation(graph, runner, units, horizon=120, count=500, seed=seed)
        plan = one.plan(seconds=5.0)
        assert plan.proven
        assert plan.seconds < 1
        assert plan.share == pytest.approx(one.share(posts(plan)))
