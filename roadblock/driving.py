"""A fleet of simulated cars: police that patrol, chase or block roads, and runners.

Pure and seeded: equal seeds and equal calls make equal drives. Cars keep to their lanes
and to the limits of courses.py; they do not see each other, except that runners flee
from police and police follow runners.
"""

from collections import deque
from math import ceil, cos, sqrt

import numpy as np

from roadblock.courses import BRAKING as EASY
from roadblock.courses import Course
from roadblock.packets import FULL_FUEL

TICK = 0.1  # seconds; longer steps are taken in several
PICKING_UP = 2.5  # m/s²
BRAKING = 8.0  # m/s², in an emergency; otherwise the course's gentler one suffices
# Of the speed limit. Runners are slower than police, or a demo would see few catches.
PATROL, CHASE, FLEE, STROLL = 0.6, 1.0, 0.8, 0.7
REACH = 6.0  # metres at which a runner is caught
PLAN_SECONDS = 1.5
SECONDS_PER_FUEL = 5.0
COLLISION_SECONDS = 400.0  # between two collisions of a chasing police car, on average
MOST_WAYS = 8  # different goals of one runner's hunters
REMEMBERED = 6  # links a runner doesn't like to see again
THERE = 1.5  # metres from its post at which a car stops
MISJUDGING = 0.5  # spread of the logarithm of how long a runner thinks a link takes
EVADE, WALK, SHORTEST, PERTURBED = "evade", "walk", "shortest", "perturbed"
RUNNER_MODELS = (EVADE, WALK, SHORTEST, PERTURBED)


class Fleet:
    """Police cars 0..police-1 and runners police..police+runners-1 on one course.

    `runner_model` says how chased runners choose their way: away from police, as if
    lost, or to one far goal after another by ways that are shortest or seem so.
    `points` is (cars, 2) metres, `headings` (cars,) radians counter-clockwise from
    east, `speeds` (cars,) m/s.
    """

    def __init__(
        self,
        course: Course,
        *,
        police: int,
        runners: int,
        seed: int = 1,
        runner_model: str = EVADE,
    ):
        self.course = course
        self.runner_model = runner_model
        self.police = police
        self.size = police + runners
        self.runners = range(police, self.size)
        self._dice = np.random.default_rng(seed)
        self._rows = self._dice.integers(len(course.ids), size=self.size)
        self._along = self._dice.random(self.size) * course.length[self._rows]
        self.speeds = np.zeros(self.size)
        self._paces = np.full(self.size, STROLL)
        self._paces[:police] = PATROL
        self._clock = 0.0
        # A little apart, so that not all cars have news in the same moment.
        self._serviced = -SECONDS_PER_FUEL * self._dice.random(self.size)
        self._collisions = np.zeros(self.size, dtype=int)
        self._chased: dict[int, deque[int]] = {}  # runner: the links it drove last
        self._prey: dict[int, int] = {}  # police: the runner it is after
        self._ways: dict[int, np.ndarray] = {}  # car: seconds to its goal (links,)
        self._posts: dict[int, tuple[int, float, float]] = {}  # police: runner, x, y
        self._to_plan: list[int] = []
        self._next_round = 0.0
        self._look_up()

    # What one sees

    def condition(self, car):
        """Return (fuel percent, collisions, level 0..2), as a status frame has them."""
        used = int((self._clock - self._serviced[car]) / SECONDS_PER_FUEL)
        collisions = int(self._collisions[car])
        return FULL_FUEL - used, collisions, min(collisions, 2)

    def contacts(self):
        """Return [(police car, runner)] for fleeing runners within REACH of police."""
        chased = [runner for runner in self._chased if self._paces[runner]]
        if not chased or not self.police:
            return []
        gaps = self.points[chased, None] - self.points[: self.police]
        gaps = np.hypot(gaps[..., 0], gaps[..., 1])
        nearest = gaps.argmin(axis=1)
        return [
            (int(car), runner)
            for car, runner, gap in zip(
                nearest, chased, gaps.min(axis=1).tolist(), strict=True
            )
            if gap <= REACH
        ]

    # What one orders

    def chase(self, runner):
        """Let the runner flee and police hunt it; halted runners are left alone."""
        if runner not in self._chased and self._paces[runner]:
            self._chased[runner] = deque(maxlen=REMEMBERED)
            self._paces[runner] = FLEE
            self._next_round = self._clock

    def block(self, car, runner, x, y):
        """Send a police car to a place, to stand there until this chase is over."""
        row, along = self.course.nearest(x, y)
        x, y = self.course.places(np.array([row]), np.array([along]))[0][0].tolist()
        self._posts[car] = runner, x, y
        self._prey.pop(car, None)
        self._ways[car] = self.course.seconds_to([row])[0]
        self._paces[car] = CHASE

    def halt(self, runner):
        """Stop the runner until it restarts; its hunters come up to it."""
        self._paces[runner] = 0.0

    def call_off(self, runner):
        """End the chase of this runner; its hunters patrol again."""
        self._chased.pop(runner, None)
        self._ways.pop(runner, None)
        hunters = [car for car, prey in self._prey.items() if prey == runner]
        blockers = [car for car, post in self._posts.items() if post[0] == runner]
        for car in hunters + blockers:
            self._prey.pop(car, None)
            self._posts.pop(car, None)
            self._ways.pop(car, None)
            self._paces[car] = PATROL

    def restart(self, runner):
        """Put the runner on the road again, far from all police, chased by none."""
        self.call_off(runner)
        rows = self._dice.integers(len(self.course.ids), size=16)
        along = self._dice.random(16) * self.course.length[rows]
        points, _, _ = self.course.places(rows, along)
        best = max(range(16), key=lambda i: self._police_distance(points[i]))
        self._rows[runner], self._along[runner] = rows[best], along[best]
        self.speeds[runner] = 0.0
        self._paces[runner] = STROLL
        self._serviced[runner] = self._clock
        self._look_up()

    def step(self, seconds):
        """Let time pass for all cars."""
        ticks = max(1, ceil(seconds / TICK - 1e-9))
        for _ in range(ticks):
            self._tick(seconds / ticks)

    # How it goes on

    def _tick(self, seconds):
        self._clock += seconds
        self._plan()
        wanted = self._limits * self._paces
        for car, (_, x, y) in self._posts.items():
            gap = float(np.hypot(*(self.points[car] - (x, y))))
            wanted[car] = min(wanted[car], sqrt(2 * EASY * max(gap - THERE, 0.0)))
        slowest = self.speeds - BRAKING * seconds
        fastest = self.speeds + PICKING_UP * seconds
        self.speeds = np.maximum(np.minimum(wanted, fastest), np.maximum(slowest, 0.0))
        self._along += self.speeds * seconds
        arrived = np.flatnonzero(self._along >= self.course.length[self._rows])
        for car in arrived.tolist():
            self._enter_next_links(car)
        self._look_up()
        self._wear(seconds)

    def _look_up(self):
        found = self.course.places(self._rows, self._along)
        self.points, self.headings, self._limits = found

    def _enter_next_links(self, car):
        row, along = int(self._rows[car]), float(self._along[car])
        while along >= self.course.length[row]:
            along -= float(self.course.length[row])
            row = self._choose(car, row)
        self._rows[car], self._along[car] = row, along

    def _choose(self, car, row):
        options = self.course.followers[row]
        if len(options) == 1:
            return options[0]
        if car in self._chased and self.runner_model == EVADE:
            return self._flee(car, row, options)
        if car in self._chased and self.runner_model == WALK:
            ahead = [each for each in options if not self._turns_back(row, each)]
            return self._dice.choice(ahead or options)
        if car in self._chased:
            self._head_for_a_goal(car, row)
        if car in self._ways:
            prey_row = self._rows[self._prey[car]] if car in self._prey else None
            if prey_row in options:  # right behind it: the plan is older than its turn
                return int(prey_row)
            return min(options, key=self._ways[car].__getitem__)
        return options[self._dice.integers(len(options))]

    def _flee(self, runner, row, options):
        """Choose the way out that leads farthest from police, not back where it was."""
        course, memory = self.course, self._chased[runner]

        def appeal(option):
            beyond = [option, *course.followers[option]]
            safety = max(self._police_distance(course.ends[each]) for each in beyond)
            turn = cos(course.heading_out[option] - course.heading_out[row])
            if turn < -0.8:
                safety *= 0.6
            if option in memory:
                safety *= 0.8
            return safety * self._dice.uniform(0.9, 1.1)

        choice = max(options, key=appeal)
        memory.append(choice)
        return choice

    def _turns_back(self, row, option):
        out = self.course.heading_out
        return cos(out[option] - out[row]) < -0.87

    def _head_for_a_goal(self, runner, row):
        """Have the runner know its way to a goal, another one once it is there."""
        ways = self._ways.get(runner)
        if ways is not None and ways[row] > 0:
            return
        size = len(self.course.ids)
        factors = None
        if self.runner_model == PERTURBED:
            factors = np.exp(MISJUDGING * self._dice.standard_normal(size))
        goals = self._dice.integers(size, size=4)
        ways = self.course.seconds_to(goals, factors)
        self._ways[runner] = ways[ways[:, row].argmax()]

    def _police_distance(self, point):
        gaps = self.points[: self.police] - point
        return float(np.hypot(gaps[:, 0], gaps[:, 1]).min(initial=np.inf))

    def _wear(self, seconds):
        """Burn fuel, collide now and then; who runs dry is filled up and repaired."""
        empty = self._clock - self._serviced > FULL_FUEL * SECONDS_PER_FUEL
        self._serviced[empty] = self._clock
        self._collisions[empty] = 0
        if self._prey:
            hunters = list(self._prey)
            unlucky = self._dice.random(len(hunters)) < seconds / COLLISION_SECONDS
            self._collisions[hunters] += unlucky

    # How police hunt

    def _plan(self):
        """Plan the hunt for one runner; a round of all begins every PLAN_SECONDS.

        One runner a tick keeps the ticks equally short, however many flee.
        """
        if not self._to_plan and self._chased and self._clock >= self._next_round:
            self._next_round = self._clock + PLAN_SECONDS
            self._share_out_prey()
            self._to_plan = list(self._chased)
        while self._to_plan:
            runner = self._to_plan.pop()
            if runner in self._chased:
                self._surround(runner)
                return

    def _share_out_prey(self):
        """Give every runner its nearest police, and about equally many."""
        runners = list(self._chased)
        gaps = self.points[: self.police, None] - self.points[runners]
        gaps = np.hypot(gaps[..., 0], gaps[..., 1])
        room = dict.fromkeys(runners, ceil(self.police / len(runners)))
        self._prey = {}
        for flat in np.argsort(gaps, axis=None).tolist():
            car, runner = flat // len(runners), runners[flat % len(runners)]
            if car in self._posts:
                continue
            if car not in self._prey and room[runner]:
                self._prey[car] = runner
                room[runner] -= 1
                self._paces[car] = CHASE

    def _surround(self, runner):
        """Send the nearest car after the runner, the others to where it may go."""
        hunters = [car for car, prey in self._prey.items() if prey == runner]
        if not hunters:
            return
        goals = self._links_ahead(runner, min(len(hunters), MOST_WAYS))
        ways = self.course.seconds_to(goals)
        hunters.sort(key=lambda car: ways[0, self._rows[car]])
        for i, car in enumerate(hunters):
            self._ways[car] = ways[i % len(goals)]

    def _links_ahead(self, runner, count):
        """Return the runner's link and those it may reach next, nearest first."""
        ahead = [int(self._rows[runner])]
        for row in ahead:  # grows meanwhile: breadth first
            if len(ahead) >= count:
                break
            ahead += [each for each in self.course.followers[row] if each not in ahead]
        return ahead
