import numpy as np
import pytest

from roadblock.courses import Course
from roadblock.driving import BRAKING, PICKING_UP, REACH, RUNNER_MODELS, Fleet
from tests.roadblock.streets import grid, road_map

LIMIT = 15.0


@pytest.fixture(scope="module")
def roads():
    return grid(4, 4, speed=LIMIT)


@pytest.fixture(scope="module")
def course(roads):
    return Course(roads)


def chasing(course, *, police, runners, seed=1):
    fleet = Fleet(course, police=police, runners=runners, seed=seed)
    for runner in fleet.runners:
        fleet.chase(runner)
    return fleet


def seconds_until_catch(fleet, patience):
    for tick in range(int(patience * 10)):
        if fleet.contacts():
            return tick / 10
        fleet.step(0.1)
    return None


def test_cars_stay_on_the_road(roads, course):
    fleet = chasing(course, police=6, runners=3)

    for _ in range(600):
        fleet.step(0.1)
        for x, y in fleet.points.tolist():
            assert roads.nearest(x, y).off < 0.01


def test_cars_keep_to_the_limit_and_drive_smoothly(course):
    fleet = chasing(course, police=6, runners=3)

    for _ in range(600):
        speeds, points = fleet.speeds, fleet.points
        fleet.step(0.1)
        change = fleet.speeds - speeds
        assert fleet.speeds.max() <= LIMIT
        assert change.max() <= PICKING_UP * 0.1 + 1e-9
        assert change.min() >= -BRAKING * 0.1 - 1e-9
        assert np.hypot(*(fleet.points - points).T).max() <= LIMIT * 0.1 + 1e-9


def test_a_long_step_is_many_short_ones(course):
    one = chasing(course, police=3, runners=2)
    other = chasing(course, police=3, runners=2)

    one.step(5)
    for _ in range(50):
        other.step(0.1)

    assert one.points == pytest.approx(other.points)


def test_equal_seeds_make_equal_drives(course):
    drives = []
    for seed in (1, 1, 2):
        fleet = chasing(course, police=4, runners=2, seed=seed)
        fleet.step(60)
        drives.append(fleet.points.tolist())

    assert drives[0] == drives[1]
    assert drives[0] != drives[2]


@pytest.mark.parametrize("seed", range(5))
def test_many_police_catch_a_runner(course, seed):
    fleet = chasing(course, police=8, runners=1, seed=seed)

    assert seconds_until_catch(fleet, 300) is not None


def test_a_fleeing_runner_is_caught_later_than_a_strolling_one(course):
    fled, strolled = [], []
    for seed in range(12):
        fleet = chasing(course, police=2, runners=1, seed=seed)
        fled.append(seconds_until_catch(fleet, 200) or 200)
        fleet = chasing(course, police=2, runners=1, seed=seed)
        fleet._flee = lambda runner, row, options: options[0]
        strolled.append(seconds_until_catch(fleet, 200) or 200)

    assert np.mean(fled) > np.mean(strolled)


def test_a_runner_turns_away_from_police(course):
    fleet = Fleet(course, police=1, runners=1)
    police, runner = 0, 1
    put(fleet, police, "0-1>1-1", 110)
    put(fleet, runner, "2-0>2-1", 100)

    fleet.chase(runner)
    fleet.step(4)

    x, y = fleet.points[runner]
    assert x > 240 or y > 120  # east or north, not west to meet it, not back south


def put(fleet, car, link, metres):
    fleet._rows[car] = fleet.course.ids.index(link)
    fleet._along[car] = metres
    fleet._look_up()


def test_police_split_up(course):
    fleet = Fleet(course, police=3, runners=1)
    for car in range(3):
        put(fleet, car, "0-0>1-0", 30 * car)
    put(fleet, 3, "2-2>3-2", 10)

    fleet.chase(3)
    fleet.step(0.1)

    goals = {int(fleet._ways[car].argmin()) for car in range(3)}
    assert len(goals) == 3


def test_police_are_shared_out_among_runners(course):
    fleet = chasing(course, police=5, runners=2)

    fleet.step(2)

    hunters = [list(fleet._prey.values()).count(runner) for runner in fleet.runners]
    assert sorted(hunters) == [2, 3]


def test_contact_within_reach(course):
    fleet = Fleet(course, police=2, runners=1)
    put(fleet, 0, "0-0>0-1", 50)
    put(fleet, 1, "3-3>3-2", 50)
    put(fleet, 2, "0-0>0-1", 50 + REACH - 0.1)

    assert fleet.contacts() == []  # nobody chases it yet
    fleet.chase(2)
    assert fleet.contacts() == [(0, 2)]
    put(fleet, 2, "0-0>0-1", 50 + REACH + 0.1)
    assert fleet.contacts() == []


def test_a_halted_runner_stands_until_it_restarts(course):
    fleet = chasing(course, police=2, runners=1)
    fleet.step(20)

    fleet.halt(2)
    fleet.call_off(2)
    fleet.chase(2)  # a late announcement
    fleet.step(5)
    stood = fleet.points[2].tolist()
    fleet.step(5)

    assert fleet.speeds[2] == 0
    assert fleet.points[2].tolist() == stood
    assert fleet.contacts() == []
    fleet.restart(2)
    fleet.chase(2)
    fleet.step(5)
    assert fleet.speeds[2] > 0


def test_police_patrol_slowly_after_a_chase(course):
    fleet = chasing(course, police=2, runners=1)
    fleet.step(30)

    fleet.call_off(2)
    fleet.step(10)

    assert fleet.speeds[:2].max() <= 0.6 * LIMIT
    assert fleet.speeds.min() > 0


def test_a_runner_restarts_far_from_police(course):
    fleet = chasing(course, police=1, runners=1)

    fleet.restart(1)

    assert np.hypot(*(fleet.points[0] - fleet.points[1])) > 150


def test_fuel_falls_by_one_in_five_seconds(course):
    fleet = Fleet(course, police=1, runners=0)

    assert fleet.condition(0) == (100, 0, 0)
    fleet.step(50)
    fuel, _, _ = fleet.condition(0)
    assert fuel in (89, 90)


def test_an_empty_car_is_filled_up_and_repaired(course):
    fleet = chasing(course, police=20, runners=1)
    lowest, worst = 100, 0

    for _ in range(510):
        fleet.step(1)
        for car in range(20):
            fuel, collisions, level = fleet.condition(car)
            assert 0 <= fuel <= 100
            assert level == min(collisions, 2)
            lowest, worst = min(lowest, fuel), max(worst, collisions)

    assert lowest == 1
    assert 1 <= worst < 20
    assert fleet.condition(0)[0] > 90


def test_a_circle_without_any_choice():
    course = Course(road_map({"a": (0, 0), "b": (80, 0)}, [("a", "b"), ("b", "a")]))
    fleet = chasing(course, police=1, runners=1)

    fleet.step(60)

    assert np.isfinite(fleet.points).all()


def test_a_blocking_car_drives_to_its_post_and_stands_there(course):
    fleet = Fleet(course, police=2, runners=1)
    runner = fleet.runners[0]
    fleet.halt(runner)
    fleet.block(0, runner, 121.0, 241.0)

    for _ in range(900):
        fleet.step(0.1)

    assert np.hypot(*(fleet.points[0] - (120, 240))) < 3
    assert fleet.speeds[0] == 0
    assert fleet.speeds[1] > 0


def test_a_blocking_car_is_no_hunter_until_the_chase_is_over(course):
    fleet = chasing(course, police=3, runners=1)
    runner = fleet.runners[0]
    fleet.block(0, runner, 0.0, 0.0)

    for _ in range(60):
        fleet.step(0.1)
    assert 0 not in fleet._prey
    fleet.call_off(runner)
    for _ in range(100):
        fleet.step(0.1)

    assert fleet.speeds[0] > 0


def test_a_runner_is_caught_at_a_roadblock():
    ring = road_map(
        {"A": (0, 0), "B": (200, 0), "C": (200, 200), "D": (0, 200)},
        [("A", "B"), ("B", "C"), ("C", "D"), ("D", "A")],
    )
    fleet = chasing(Course(ring), police=1, runners=1)
    fleet.block(0, fleet.runners[0], 200.0, 200.0)

    assert seconds_until_catch(fleet, patience=120) is not None
    assert np.hypot(*(fleet.points[0] - (200, 200))) < 12


@pytest.mark.parametrize("model", RUNNER_MODELS)
def test_runner_models_keep_moving(course, model):
    fleet = Fleet(course, police=1, runners=2, runner_model=model)
    for runner in fleet.runners:
        fleet.chase(runner)
    links = [set(), set()]

    for _ in range(1200):
        fleet.step(0.1)
        for seen, row in zip(links, fleet._rows[1:], strict=True):
            seen.add(int(row))

    assert all(len(seen) > 5 for seen in links)
    assert fleet.speeds[list(fleet.runners)].min() > 0


def test_lost_runners_do_not_turn_back(course):
    fleet = Fleet(course, police=0, runners=1, runner_model="walk")
    fleet.chase(0)
    way = [course.ids[int(fleet._rows[0])]]

    for _ in range(1500):
        fleet.step(0.1)
        link = course.ids[int(fleet._rows[0])]
        if link != way[-1]:
            way.append(link)

    back = [">".join(reversed(link.split(">"))) for link in way]
    assert len(way) > 10
    assert all(link != other for link, other in zip(way[1:], back, strict=False))
