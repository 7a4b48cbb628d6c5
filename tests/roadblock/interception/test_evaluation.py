"""Chases without a server: how they end, who commands, what is said about many."""

import numpy as np
import pytest

from roadblock.interception import evaluation, world
from roadblock.interception.evaluation import (
    GREEDY,
    PLANNER,
    PURSUIT,
    STRATEGIES,
    Arena,
    Setting,
)
from roadblock.interception.strategies import Planned, Pursuit
from roadblock.interception.world import Drive, Outcome, Runner
from tests.roadblock.streets import grid, with_ways_out

CAUGHT, ESCAPED = Outcome("caught", 10.0), Outcome("escaped", 20.0)


@pytest.fixture(scope="module")
def arena():
    return Arena(with_ways_out(5, 4, ["0-0", "4-0", "4-3"]))


def standing(graph, name):
    return Drive([graph.points[graph.rows[name]]] * 2, [0.0, 0.0])


def nothing(moment, runner, places):
    return {}


def runner_at(graph, name, model="shortest"):
    dice = np.random.default_rng(1)
    return Runner(graph, graph.rows[name], model, 1.0, 120.0, dice)


def test_an_unhindered_runner_escapes_in_the_seconds_of_its_way(arena):
    graph = arena.fine

    outcome = world.play(graph, runner_at(graph, "2-2"), [], nothing, 120)

    least = graph.arrivals([graph.at(graph.rows["2-2"])])[0, graph.exits]
    assert outcome.ending == "escaped"
    assert min(abs(least - outcome.seconds)) <= world.STEP


def test_a_runner_without_a_way_out_drives_until_the_limit():
    closed = Arena(grid(4, 3)).fine

    outcome = world.play(closed, runner_at(closed, "1-1", "evade"), [], nothing, 60)

    assert outcome == Outcome("open", 60)


def test_who_stands_in_the_way_catches(arena):
    graph = arena.fine
    cars = [standing(graph, name) for name in ("1-2", "3-2", "2-1", "2-3")]

    outcome = world.play(graph, runner_at(graph, "2-2"), cars, nothing, 120)

    assert (outcome.ending, round(outcome.seconds)) == ("caught", 8)


def test_pursuit_drives_for_the_runners_link_also_against_the_traffic(arena):
    pursuit = Pursuit(arena.lanes, both_ways=arena.both_ways)
    runner = 60.0, 0.0, 0.0  # in the street from 0-0 to 1-0

    drives = pursuit(0.0, runner, [(480.0, 0.0, 0.0), (60.0, 120.0, 0.0)])

    for number, begin in ((0, (480, 0)), (1, (60, 120))):
        assert drives[number].points[0] == pytest.approx(begin)
        x, y = drives[number].points[-1]
        assert (60 < x <= 120, y) == (True, 0)
    steps = np.hypot(*np.diff(drives[0].points, axis=0).T).sum()
    assert steps == pytest.approx(360 + 120 - drives[0].points[-1][0])
    assert drives[0].end == pytest.approx(steps / 15.0)


@pytest.mark.parametrize("greedy", [False, True])
def test_planned_cars_go_to_their_posts_and_the_others_chase(arena, greedy):
    graph = arena.fine
    pursuit = Pursuit(arena.lanes, both_ways=arena.both_ways)
    command = Planned(graph, pursuit, greedy=greedy)
    places = [(0.0, 0.0, 0.0), (480.0, 0.0, 0.0), (480.0, 360.0, 0.0)]

    drives = command(0.0, (240.0, 240.0, 0.0), places)

    assert command.posts
    for number, post in command.posts.items():
        goal = graph.points[post]
        away = np.hypot(*(goal - places[number][:2]))
        if number in drives:
            assert drives[number].points[-1] == pytest.approx(goal)
            assert (np.diff(drives[number].seconds) >= 0).all()
        else:
            assert away == pytest.approx(0)  # it is there already
    assert set(drives) | set(command.posts) == {0, 1, 2}
    assert command(0.1, (241.0, 240.0, 0.0), places) == {}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("model", world.MODELS)
def test_equal_seeds_make_equal_chases(arena, strategy, model):
    setting = Setting(police=3, model=model, limit=40)

    one, other = (arena.chase(setting, 5, strategy) for _ in range(2))

    assert one == other


def test_a_planned_chase_catches_more_than_nobody_at_all(arena):
    setting = Setting(police=6, model="shortest", limit=90)

    ended = [arena.chase(setting, seed, PLANNER).ending for seed in range(12)]

    assert ended.count("caught") >= 6


# Figures


def test_the_rate_has_wilsons_interval():
    rate = evaluation.rate([CAUGHT] * 80 + [ESCAPED] * 20)

    assert rate == pytest.approx((0.8, 0.7112, 0.8666), abs=1e-4)


def test_a_difference_is_taken_chase_by_chase():
    ahead = evaluation.difference([CAUGHT] * 10, [CAUGHT] * 5 + [ESCAPED] * 5)
    same = evaluation.difference([CAUGHT, ESCAPED], [CAUGHT, ESCAPED])

    assert ahead.value == 0.5
    assert 0 < ahead.low < 0.5 < ahead.high < 1
    assert same == (0, 0, 0)


def test_seconds_are_those_of_catches_alone():
    assert evaluation.seconds_to_catch([CAUGHT, ESCAPED, CAUGHT]) == (10, 10, 10)
    assert evaluation.seconds_to_catch([ESCAPED]) is None


def test_strategies_begin_alike(arena):
    """A runner of a model that looks at nobody takes the same way under all."""
    setting = Setting(police=1, model="shortest", limit=90)
    ended = {
        strategy: arena.chase(setting, 3, strategy)
        for strategy in (PURSUIT, GREEDY, PLANNER)
    }

    escapes = {each for each in ended.values() if each.ending == "escaped"}
    assert len(escapes) <= 1
