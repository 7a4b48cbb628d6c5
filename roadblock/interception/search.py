"""Exhaustive search for a better plan, in large steps of array arithmetic.

First units are joined to pairs, and pairs with each other, as long as few choices are
left: of the joint choices only those matter that catch something no other also catches
with more. Then the groups choose in turn, and a partial plan is dropped when not even
the best choice of every group still to come, as if they caught nothing twice, would
lift it to what is aimed at. For some five units with some fifty columns each this is
faster than a general solver, above all where nearly every route can be caught and
linear relaxations say nothing.
"""

import time

import numpy as np

from roadblock.interception.columns import Columns, undominated

STATES = 8192  # partial plans that are looked at together
JOINED = 4000  # choices of a group, before those that don't matter are left out
LARGEST = 3e6  # partial plans, at most, with which a search is worth beginning
ROUNDING = 1e-5  # of sums in single precision


class Search:
    """Looks for the plan that catches most, and at least `aim`, among these rows."""

    def __init__(self, problem: Columns, rows, aim: float, deadline: float):
        self.weights = problem.weights.astype(np.float32)
        self.step = max(problem.quantum, ROUNDING)
        self.aim = aim
        self.deadline = deadline
        self.best = None  # rows of the best plan
        self.finished = False
        units = problem.units[rows]
        # A unit none of whose columns may be in a better plan: there is none.
        self.is_hopeless = len(np.unique(units)) < len(np.unique(problem.units))
        groups = [
            (problem.caught[each], each[:, None])
            for each in (rows[units == unit] for unit in np.unique(units))
        ]
        self.groups = sorted(_joined(groups), key=lambda group: len(group[0]))
        self.values = [sets * self.weights for sets, _ in self.groups]
        # What each route weighs that no group after this one can catch.
        later = np.zeros(len(self.weights), dtype=bool)
        self.lost = []
        for sets, _ in reversed(self.groups):
            self.lost.insert(0, np.where(later, 0, self.weights))
            later = later | sets.any(axis=0)

    @property
    def is_worthwhile(self):
        sizes = [float(len(sets)) for sets, _ in self.groups]
        return self.is_hopeless or np.prod(sizes[:-1]) <= LARGEST

    def run(self):
        """Search; `finished` then says whether all was seen before the deadline."""
        nothing = np.zeros((1, len(self.weights)), dtype=bool)
        picks = np.empty((1, 0), dtype=int)
        self.finished = self.is_hopeless or self._extend(0, nothing, picks)
        return self.best

    def _extend(self, level, covered, picks):
        """Let the next group choose for each of these partial plans; False: no time."""
        sets, rows = self.groups[level]
        together = max(1, STATES // len(sets))
        for start in range(0, len(covered), together):
            if time.monotonic() > self.deadline:
                return False
            part = covered[start : start + together]
            wider = (part[:, None] | sets).reshape(-1, sets.shape[1])
            at_most = self._at_most(level, wider)
            order = np.flatnonzero(at_most >= self.aim - ROUNDING)
            order = order[np.argsort(-at_most[order], kind="stable")]
            if not len(order):
                continue
            chosen = np.hstack(
                [picks[start + order // len(sets)], rows[order % len(sets)]]
            )
            if level < len(self.groups) - 1:
                if not self._extend(level + 1, wider[order], chosen):
                    return False
            else:
                self.best = chosen[0]
                self.aim = float(at_most[order[0]]) + self.step
        return True

    def _at_most(self, level, covered):
        open_to = (~covered).astype(np.float32)
        total = self.weights.sum()
        at_most = total - open_to @ self.weights
        for values in self.values[level + 1 :]:
            at_most += (open_to @ values.T).max(axis=1)
        return np.minimum(at_most, total - open_to @ self.lost[level])


def _joined(groups):
    """Join the two smallest groups again and again; groups are (sets, their rows)."""
    groups = sorted(groups, key=lambda group: len(group[0]))
    while len(groups) > 1 and len(groups[0][0]) * len(groups[1][0]) <= JOINED:
        (one, rows), (other, more), *groups = groups
        sets = (one[:, None] | other).reshape(-1, one.shape[1])
        rows = np.hstack([np.repeat(rows, len(other), 0), np.tile(more, (len(one), 1))])
        kept = undominated(sets)
        groups = sorted([(sets[kept], rows[kept]), *groups], key=lambda x: len(x[0]))
    return groups
