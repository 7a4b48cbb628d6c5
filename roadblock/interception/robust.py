"""The plan whose worst case over the runner models is best."""

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from roadblock.interception.columns import Columns
from roadblock.interception.solver import EXACT, Solution, rated


def weights_by_model(problem: Columns, routes):
    """Return (models, r): what each merged route weighs where one model is certain."""
    count = int(routes.models.max()) + 1
    weights = np.zeros((count, len(problem.weights)))
    caught = problem.merged >= 0
    np.add.at(
        weights,
        (routes.models[caught], problem.merged[caught]),
        routes.weights[caught],
    )
    totals = np.bincount(routes.models, routes.weights, minlength=count)
    present = totals > 0
    return weights[present] / totals[present, None]


def worst_share(problem: Columns, by_model, chosen) -> float:
    """Return the least share that the chosen columns catch under one of the models."""
    rows = [row for row in chosen if row >= 0]
    covered = problem.caught[rows].any(axis=0)
    return float((by_model @ covered).min())


def worst_case(problem: Columns, by_model, starts, seconds: float) -> Solution:
    """Return the plan with the highest worst share, or the best in so many seconds.

    `by_model` as weights_by_model() gives it; `starts` plans (units,) to begin with.
    The bound holds for every choice of these columns.
    """
    if not len(problem.units):
        return Solution(np.full(problem.size, -1), 0.0, 0.0, True)
    best = max(
        (_improved(problem, by_model, start) for start in starts),
        key=lambda chosen: worst_share(problem, by_model, chosen),
    )
    chosen, bound = _programme(problem, by_model, seconds)
    if chosen is not None and worst_share(problem, by_model, chosen) > worst_share(
        problem, by_model, best
    ):
        best = chosen
    share = worst_share(problem, by_model, best)
    return rated(best, share, bound)


def _improved(problem, by_model, start):
    """Give each unit in turn the column that helps the worst case most."""
    chosen, share = start.copy(), worst_share(problem, by_model, start)
    sets = sparse.csr_array(problem.caught, dtype=float)
    improved = True
    while improved:
        improved = False
        for unit in range(problem.size):
            rows = np.flatnonzero(problem.units == unit)
            if not len(rows):
                continue
            others = chosen[(chosen >= 0) & (np.arange(problem.size) != unit)]
            covered = problem.caught[others].any(axis=0)
            gains = sets[rows] @ (by_model * ~covered).T
            worst = (by_model @ covered + gains).min(axis=1)
            if worst.max() > share + EXACT:
                chosen[unit], share = rows[worst.argmax()], worst.max()
                improved = True
    return chosen


def _programme(problem, by_model, seconds):
    """Return (chosen or None, upper bound).

    Variables: a column is used, a route is caught, and the worst share, to be raised.
    """
    wide, count, models = len(problem.units), len(problem.weights), len(by_model)
    sets = sparse.csr_array(problem.caught.T, dtype=float)
    units = sparse.csr_array(
        (np.ones(wide), (problem.units, np.arange(wide))), shape=(problem.size, wide)
    )
    matrix = sparse.block_array(
        [
            [-sets, sparse.eye_array(count), None],
            [units, None, None],
            [None, -sparse.csr_array(by_model), np.ones((models, 1))],
        ],
        format="csc",
    )
    upper = np.concatenate([np.zeros(count), np.ones(problem.size), np.zeros(models)])
    result = milp(
        np.concatenate([np.zeros(wide + count), [-1.0]]),
        integrality=np.concatenate([np.ones(wide), np.zeros(count + 1)]),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, -np.inf, upper),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    bound = 1.0 if result.mip_dual_bound is None else min(1.0, -result.mip_dual_bound)
    if result.x is None:
        return None, bound
    chosen = np.full(problem.size, -1)
    used = np.flatnonzero(result.x[:wide] > 0.5)
    chosen[problem.units[used]] = used
    return chosen, bound
