"""Choose one place at most for each unit so that most of the probability is caught.

This is maximum coverage with groups: NP-hard, so three methods work together. Greedy
choice with exchanges gives a plan at once. Lagrange multipliers, one for each route,
give an upper bound no plan of these columns can pass, whatever the multipliers; and
show which columns no better plan uses. What remains goes to HiGHS as a mixed-integer
programme, which proves the optimum or tightens the bound until its time is up.
"""

import time
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from roadblock.interception.columns import Columns
from roadblock.interception.search import Search

EXACT = 1e-9  # differences in probability that are rounding
TOLERANCE = 2e-6  # those that HiGHS, by its own tolerances, may not see
FEW = 12  # units of which pairs may choose anew; of more there are too many pairs
ROUNDS = 300  # steps of the multipliers
PATIENCE = 12  # steps without a better bound before smaller steps
SMALLEST_STEP = 0.005


class Solution(NamedTuple):
    """chosen (units,) rows of columns, -1 for none; share caught, and its upper bound.

    `bound` holds for every choice of these columns; `proven` says that share is it.
    """

    chosen: np.ndarray
    share: float
    bound: float
    proven: bool

    @property
    def gap(self) -> float:
        """How much of the bound may be missing, at most: 0 for a proven optimum."""
        return (self.bound - self.share) / self.bound if self.bound > 0 else 0.0


def share_of(problem: Columns, chosen) -> float:
    """Return the probability of the routes that the chosen columns catch."""
    rows = [row for row in chosen if row >= 0]
    return float(problem.weights[problem.caught[rows].any(axis=0)].sum())


def greedy(problem: Columns):
    """Return chosen (units,): the best column again and again."""
    chosen = np.full(problem.size, -1)
    _fill(problem, chosen, _sets(problem))
    return chosen


def quick(problem: Columns) -> Solution:
    """Return a good plan with a bound, in a time that is short and hardly varies."""
    sets = _sets(problem)
    chosen = np.full(problem.size, -1)
    _fill(problem, chosen, sets)
    _exchange(problem, chosen, sets)
    share = share_of(problem, chosen)
    bound, prices = _multipliers(problem, sets, share, chosen)
    if bound > share + EXACT:
        # What sells best at these prices is often better than what greed finds.
        other = np.full(problem.size, -1)
        rows = _argmax_of_each(problem, sets @ prices)
        other[problem.units[rows]] = rows
        _exchange(problem, other, sets)
        if share_of(problem, other) > share:
            chosen = other
    return _solution(problem, chosen, bound)


def exact(problem: Columns, first: Solution, seconds: float) -> Solution:
    """Return the optimum, or the best that so many seconds allow, from first on."""
    if first.proven:
        return first
    deadline = time.monotonic() + seconds
    sets = _sets(problem)
    at_prices, prices = _multipliers(problem, sets, first.share, first.chosen)
    bound = min(at_prices, first.bound)
    values = sets @ prices
    best = _best_of_each(problem, values)
    # A plan with this column, not its unit's best, catches so much at most; a better
    # plan catches a route more at least.
    at_most = at_prices - best[problem.units] + values
    aim = first.share + max(problem.quantum - EXACT, EXACT)
    rows = np.flatnonzero(at_most > aim)
    search = Search(problem, rows, aim, time.monotonic() + seconds / 2)
    if search.is_worthwhile:
        found = search.run()
        if found is not None:
            chosen = np.full(problem.size, -1)
            chosen[problem.units[found]] = found
            first = _solution(problem, chosen, bound)
        if search.finished:
            return rated(first.chosen, first.share, first.share)
    left = deadline - time.monotonic()
    if left <= 0:
        return _solution(problem, first.chosen, bound)
    chosen, over = _programme(problem, rows, left, first.share)
    bound = min(bound, max(over, first.share))
    if chosen is None or share_of(problem, chosen) <= first.share:
        chosen = first.chosen
    return _solution(problem, chosen, bound)


def _sets(problem):
    return sparse.csr_array(problem.caught, dtype=float)


def _solution(problem, chosen, bound):
    share = share_of(problem, chosen)
    if problem.quantum:
        # Nothing lies between one route more and one less.
        bound = np.floor(bound / problem.quantum + TOLERANCE) * problem.quantum
    return rated(chosen, share, bound)


def rated(chosen, share, bound) -> Solution:
    """Return a solution whose bound, where it is within tolerance, proves it."""
    proven = bool(bound <= share + TOLERANCE)
    return Solution(chosen, share, share if proven else float(bound), proven)


def _fill(problem, chosen, sets):
    """Give units without a column the best that is left, while it adds something.

    Among equals the one with most seconds to spare.
    """
    covered = _covered(problem, chosen)
    free = chosen[problem.units] < 0
    while free.any():
        gains = np.where(free, sets @ np.where(covered, 0.0, problem.weights), 0.0)
        most = gains.max()
        if most <= EXACT:
            return
        equal = np.flatnonzero(gains >= most - EXACT)
        row = equal[problem.slack[equal].argmax()]
        chosen[problem.units[row]] = row
        covered |= problem.caught[row]
        free &= problem.units != problem.units[row]


def _covered(problem, chosen):
    return problem.caught[chosen[chosen >= 0]].any(axis=0)


def _exchange(problem, chosen, sets):
    """Take one or two units' columns away and fill up anew, as long as that helps."""
    share = share_of(problem, chosen)
    improved = True
    while improved:
        improved = False
        used = np.flatnonzero(chosen >= 0)
        for count in (1, 2) if len(used) <= FEW else (1,):
            for units in combinations(used.tolist(), count):
                other = chosen.copy()
                other[list(units)] = -1
                _fill(problem, other, sets)
                better = share_of(problem, other)
                if better > share + EXACT:
                    chosen[:], share, improved = other, better, True
            if improved:
                break


def _best_of_each(problem, values):
    best = np.zeros(problem.size)
    np.maximum.at(best, problem.units, values)
    return best


def _multipliers(problem, sets, share, chosen):
    """Return (bound, prices (r,)): the lowest bound that a subgradient search finds.

    For any prices between 0 and the weights, what routes are worth beyond their price
    and what each unit's best column earns at these prices is, together, no less than
    any plan catches.
    """
    weights = problem.weights
    prices = np.where(_covered(problem, chosen), weights / 2, weights)
    best_bound, best_prices = weights.sum(), np.zeros(len(weights))
    if not len(problem.units):
        return 0.0, best_prices
    step, stale = 1.0, 0
    for _ in range(ROUNDS):
        values = sets @ prices
        rows = _argmax_of_each(problem, values)
        bound = (weights - prices).sum() + values[rows].sum()
        if bound < best_bound - EXACT:
            stale = 0 if bound < best_bound - 1e-4 else stale + 1
            best_bound, best_prices = bound, prices
        else:
            stale += 1
        if stale > PATIENCE:
            step, stale, prices = step / 2, 0, best_prices
            if step < SMALLEST_STEP:
                break
            continue
        if best_bound <= share + EXACT:
            break
        slope = problem.caught[rows].sum(axis=0) - 1.0
        # A price that cannot move any further does not count.
        slope[(slope > 0) & (prices <= 0)] = 0.0
        slope[(slope < 0) & (prices >= weights)] = 0.0
        length = (slope**2).sum()
        if length == 0:
            break
        prices = np.clip(prices - step * (bound - share) / length * slope, 0, weights)
    return best_bound, best_prices


def _argmax_of_each(problem, values):
    """Return the row of the best column of every unit that has any."""
    order = np.lexsort([values, problem.units])
    return order[np.append(np.diff(problem.units[order]) > 0, True)]


def _programme(problem, rows, seconds, least):
    """Return (chosen or None, upper bound) of the programme over these columns.

    Variables: a column is used (whole numbers), then a route is caught (which follows).
    """
    wide, count = len(rows), len(problem.weights)
    if not wide:
        return None, least
    sets = sparse.csr_array(problem.caught[rows].T, dtype=float)
    units = sparse.csr_array(
        (np.ones(wide), (problem.units[rows], np.arange(wide))),
        shape=(problem.size, wide),
    )
    matrix = sparse.block_array(
        [[-sets, sparse.eye_array(count)], [units, None]], format="csc"
    )
    result = milp(
        np.concatenate([np.zeros(wide), -problem.weights]),
        integrality=np.concatenate([np.ones(wide), np.zeros(count)]),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(
            matrix, -np.inf, np.concatenate([np.zeros(count), np.ones(problem.size)])
        ),
        options={"time_limit": seconds, "mip_rel_gap": 0.99 * problem.quantum},
    )
    over = -result.mip_dual_bound if result.mip_dual_bound is not None else np.inf
    if result.x is None:
        return None, over
    chosen = np.full(problem.size, -1)
    used = rows[result.x[:wide] > 0.5]
    chosen[problem.units[used]] = used
    return chosen, over
