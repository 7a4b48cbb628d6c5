"""Many chases under several commands, and what may be said about their differences."""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

import numpy as np

from roadblock.interception import graph as graphs
from roadblock.interception.strategies import Planned, Pursuit
from roadblock.interception.world import BothWays, Drive, Outcome, Runner, play

PURSUIT, GREEDY, PLANNER = "pursuit", "greedy", "planner"
STRATEGIES = (PURSUIT, GREEDY, PLANNER)
SPACING = 60.0
APART = 150.0  # metres between the runner and every police car at the start
Z = 1.96  # 95 %


class Interval(NamedTuple):
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Setting:
    """What all chases of an evaluation have in common."""

    police: int = 5
    model: str = "perturbed"
    limit: float = 120.0
    runner_pace: float = 1.0
    horizon: float = 90.0


class Arena:
    """A map made ready for chases: the planner's graph, and that of the lanes alone."""

    def __init__(self, roads, seconds=None):
        self.fine = graphs.build(roads, spacing=SPACING, seconds=seconds)
        self.lanes = graphs.build(roads, seconds=seconds)
        self.both_ways = BothWays(self.lanes)
        # Where a car may start: wherever it can come back to is on the roads proper.
        reach = self.fine.arrivals([self.fine.at(0)])
        self.size = reach.shape[1]

    @lru_cache(maxsize=8)  # noqa: B019 - an arena lives as long as its process
    def starts(self, horizon):
        """Return the places from which something is within reach."""
        out = np.unique(self.fine.tails)
        return out[~np.isin(out, self.fine.exits)]

    def chase(self, setting: Setting, seed: int, strategy: str) -> Outcome:
        """Play one chase; the same seed gives each strategy the same beginning."""
        dice = np.random.default_rng(seed)
        starts = self.starts(setting.horizon)
        place = int(dice.choice(starts))
        gaps = np.hypot(*(self.fine.points[starts] - self.fine.points[place]).T)
        far = starts[gaps >= APART]
        police = dice.choice(far, size=setting.police).tolist()
        runner = Runner(
            self.fine, place, setting.model, setting.runner_pace, setting.limit, dice
        )
        cars = [Drive([self.fine.points[at]] * 2, [0.0, 0.0]) for at in police]
        command = self._command(strategy, setting, seed)
        return play(self.fine, runner, cars, command, setting.limit)

    def _command(self, strategy, setting, seed):
        pursuit = Pursuit(
            self.lanes, runner_pace=setting.runner_pace, both_ways=self.both_ways
        )
        if strategy == PURSUIT:
            return pursuit
        return Planned(
            self.fine,
            pursuit,
            greedy=strategy == GREEDY,
            horizon=setting.horizon,
            runner_pace=setting.runner_pace,
            seed=seed + 1,  # not what the runner drew
        )


def rate(outcomes) -> Interval:
    """Return the share of chases that ended with a catch (Wilson's interval)."""
    n, caught = len(outcomes), sum(each.ending == "caught" for each in outcomes)
    p = caught / n
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return Interval(p, middle - half, middle + half)


def difference(outcomes, others) -> Interval:
    """Return how much higher the first rate is, chase by chase (same beginnings)."""
    steps = np.array(
        [
            (one.ending == "caught") - (other.ending == "caught")
            for one, other in zip(outcomes, others, strict=True)
        ],
        dtype=float,
    )
    return _mean(steps)


def seconds_to_catch(outcomes) -> Interval | None:
    """Return the mean seconds until the catch, of the chases that ended with one."""
    seconds = [each.seconds for each in outcomes if each.ending == "caught"]
    return _mean(np.array(seconds)) if seconds else None


def _mean(values) -> Interval:
    mean = float(values.mean())
    half = Z * float(values.std(ddof=1)) / sqrt(len(values)) if len(values) > 1 else 0.0
    return Interval(mean, mean - half, mean + half)
