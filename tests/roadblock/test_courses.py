import numpy as np
import pytest

from roadblock.courses import BRAKING, Course
from roadblock.roadmap import Link, RoadMap
from tests.roadblock.streets import grid, road_map

TRIANGLE = {"a": (0, 0), "b": (300, 0), "c": (0, 400)}
ROUND = [("a", "b"), ("b", "c"), ("c", "a")]


def test_dead_ends_are_left_out():
    nodes = {**TRIANGLE, "exit": (900, 0)}

    course = Course(road_map(nodes, [*ROUND, ("b", "exit")]))

    assert course.ids == ["a>b", "b>c", "c>a"]
    assert course.followers == [[1], [2], [0]]


@pytest.mark.parametrize("streets", [[("a", "b")], [("a", "b"), ("b", "c")]])
def test_map_without_a_circle(streets):
    with pytest.raises(ValueError, match="circle"):
        Course(road_map(TRIANGLE, streets))


def test_places_agree_with_the_road_map():
    roads = grid(3, 3)
    course = Course(roads)
    dice = np.random.default_rng(1)
    rows = dice.integers(len(course.ids), size=200)
    along = dice.random(200) * course.length[rows]

    points, headings, _ = course.places(rows, along)

    for i, row in enumerate(rows):
        expected = roads.point_at(course.ids[row], along[i])
        assert (*points[i], headings[i]) == pytest.approx(expected)


def test_both_ends_of_a_link_are_on_it():
    course = Course(road_map(TRIANGLE, ROUND))

    points, headings, _ = course.places(np.array([0, 0]), np.array([0.0, 300.0]))

    assert points.tolist() == [[0, 0], [300, 0]]
    assert headings.tolist() == [0, 0]


def test_seconds_to_a_link():
    course = Course(road_map(TRIANGLE, ROUND, speed=10))

    assert course.seconds_to([2]).tolist() == [[30 + 50, 50, 0]]


def test_straight_roads_are_driven_at_their_speed():
    course = Course(road_map(TRIANGLE, ROUND, speed=15))

    _, _, limits = course.places(np.array([0, 1, 2]), np.array([0.0, 100, 400]))

    assert limits.tolist() == [15, 15, 15]


def test_short_links_at_junctions_are_driven_slowly():
    nodes = {"a": (0, 0), "b": (300, 0), "c": (320, 0), "d": (160, 400)}
    streets = [("a", "b"), ("b", "c"), ("b", "d"), ("c", "d"), ("d", "a")]
    course = Course(road_map(nodes, streets, speed=15))
    first, junction = course.ids.index("a>b"), course.ids.index("b>c")

    _, _, limits = course.places(
        np.array([first, first, junction]), np.array([0, 299, 10])
    )

    assert limits[0] == 15
    assert limits[1] < 9
    assert limits[2] == pytest.approx(30 / 3.6)


def test_one_brakes_in_time_for_a_curve():
    angles = np.linspace(-np.pi / 2, np.pi / 2, 40)
    bend = np.column_stack([200 + 10 * np.cos(angles), 10 + 10 * np.sin(angles)])
    course = Course(circuit([[(0, 0), *bend, (0, 20)], [(0, 20), (0, 0)]]))
    row = course.ids.index("0")
    along = np.arange(0, course.length[row], 0.5)

    _, _, limits = course.places(np.full(len(along), row), along)

    assert limits[0] == 15
    assert limits.min() == pytest.approx(30**0.5, rel=0.05)  # 3 m/s² sideways, 10 m
    slowing = -np.diff(limits**2) / 2 / 0.5
    assert slowing.max() <= BRAKING + 1e-6


def circuit(lines, speed=15.0):
    """Links "0", "1", ... along the lines, each from where the one before ends."""
    count = len(lines)
    links = {}
    for i, line in enumerate(lines):
        points = np.array(line, dtype=float)
        steps = np.hypot(*np.diff(points, axis=0).T)
        stations = np.concatenate([[0.0], np.cumsum(steps)])
        ends = str(i), str((i + 1) % count)
        links[str(i)] = Link(
            str(i), *ends, points, stations, speed, False, False, None, None
        )
    return RoadMap({str(i): tuple(line[0]) for i, line in enumerate(lines)}, links)
