"""The solvers against brute force on problems that are small enough for it."""

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadblock.interception import robust, solver
from roadblock.interception.columns import Columns, undominated
from roadblock.interception.search import Search

CLOSE = 1e-7


@st.composite
def problems(draw, units=4, columns=14, routes=9):
    """Columns as they come out of nowhere: any sets, any weights."""
    size = draw(st.integers(1, units))
    wide, count = draw(st.integers(1, columns)), draw(st.integers(1, routes))
    seed = draw(st.integers(0, 2**32))
    dice = np.random.default_rng(seed)
    density = draw(st.floats(0.05, 0.7))
    spread = draw(st.sampled_from([0.3, 1, 50, None]))
    equal = spread is None  # as routes of a sample do
    weights = np.full(count, 1 / count)
    if not equal:
        weights = dice.dirichlet(np.full(count, spread))
    caught = dice.random((wide, count)) < density
    caught[np.arange(wide), dice.integers(count, size=wide)] = True
    return Columns(
        units=np.sort(dice.integers(size, size=wide)),
        places=np.arange(wide),
        caught=caught,
        slack=dice.random(wide) * 9,
        weights=weights,
        merged=np.arange(count),
        size=size,
        missed=0.0,
        quantum=1 / count if equal else 0.0,
    )


def every_choice(problem):
    options = [
        [-1, *np.flatnonzero(problem.units == unit)] for unit in range(problem.size)
    ]
    return product(*options)


def brute_force(problem):
    return max(solver.share_of(problem, choice) for choice in every_choice(problem))


def is_allowed(problem, chosen):
    return all(row < 0 or problem.units[row] == u for u, row in enumerate(chosen))


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_quick_plan_lies_below_the_optimum_and_its_bound_above(problem):
    optimum = brute_force(problem)

    quick = solver.quick(problem)

    assert is_allowed(problem, quick.chosen)
    assert quick.share == pytest.approx(solver.share_of(problem, quick.chosen))
    assert quick.share <= optimum + CLOSE
    assert quick.bound >= optimum - CLOSE
    # What greed alone promises for coverage with groups.
    assert solver.share_of(problem, solver.greedy(problem)) >= optimum / 2 - CLOSE
    assert quick.share >= solver.share_of(problem, solver.greedy(problem)) - CLOSE


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_exact_plan_is_the_optimum(problem):
    exact = solver.exact(problem, solver.quick(problem), 10.0)

    assert is_allowed(problem, exact.chosen)
    assert exact.proven
    assert exact.gap == pytest.approx(0, abs=CLOSE)
    assert exact.share == pytest.approx(brute_force(problem), abs=CLOSE)
    assert exact.share == pytest.approx(solver.share_of(problem, exact.chosen))


@settings(max_examples=100, deadline=None)
@given(problems(units=3, columns=9))
def test_search_and_programme_find_the_same(problem):
    rows = np.arange(len(problem.units))
    optimum = brute_force(problem)

    search = Search(problem, rows, 0.0, time.monotonic() + 20)
    found = search.run()
    chosen, bound = solver._programme(problem, rows, 20.0, 0.0)

    assert search.finished
    assert solver.share_of(problem, found) == pytest.approx(optimum, abs=1e-5)
    assert solver.share_of(problem, chosen) == pytest.approx(optimum, abs=1e-5)
    assert bound >= optimum - 1e-5


@given(problems(columns=12))
def test_what_is_left_out_is_within_what_is_kept(problem):
    kept = problem.caught[undominated(problem.caught)]

    for sets in problem.caught:
        assert not sets.any() or (sets <= kept).all(axis=1).any()
    for one, sets in enumerate(kept):
        assert not (sets <= np.delete(kept, one, axis=0)).all(axis=1).any()


@settings(max_examples=40, deadline=None)
@given(problems())
def test_the_bound_holds_even_without_time(problem):
    exact = solver.exact(problem, solver.quick(problem), 0.0)

    assert exact.share - CLOSE <= brute_force(problem) <= exact.bound + CLOSE


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(1, 3), st.integers(0, 2**32))
def test_the_worst_case_plan_is_the_optimum(problem, models, seed):
    dice = np.random.default_rng(seed)
    by_model = dice.dirichlet(np.ones(len(problem.weights)), size=models)
    optimum = max(
        robust.worst_share(problem, by_model, choice)
        for choice in every_choice(problem)
    )

    found = robust.worst_case(problem, by_model, [solver.greedy(problem)], 10.0)

    assert is_allowed(problem, found.chosen)
    assert found.proven
    assert found.share == pytest.approx(optimum, abs=CLOSE)
    assert found.share == pytest.approx(
        robust.worst_share(problem, by_model, found.chosen)
    )


def test_nobody_catches_nothing():
    nobody = Columns(
        units=np.empty(0, dtype=int),
        places=np.empty(0, dtype=int),
        caught=np.empty((0, 0), dtype=bool),
        slack=np.empty(0),
        weights=np.empty(0),
        merged=np.full(3, -1),
        size=2,
        missed=1.0,
    )

    quick = solver.quick(nobody)

    assert quick.chosen.tolist() == [-1, -1]
    assert (quick.share, quick.bound, quick.gap, quick.proven) == (0, 0, 0, True)
    assert solver.exact(nobody, quick, 1.0) == quick
    assert robust.worst_case(nobody, np.ones((1, 0)), [], 1.0).proven


def test_of_equal_columns_the_one_with_most_time_is_taken():
    problem = Columns(
        units=np.array([0, 0, 1]),
        places=np.arange(3),
        caught=np.array([[True, False], [True, False], [False, True]]),
        slack=np.array([1.0, 5.0, 2.0]),
        weights=np.array([0.5, 0.5]),
        merged=np.arange(2),
        size=2,
        missed=0.0,
    )

    assert solver.quick(problem).chosen.tolist() == [1, 2]
