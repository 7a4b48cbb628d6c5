"""Small road maps for tests, made of straight two-way streets."""

from itertools import product

import numpy as np

from roadblock.roadmap import Link, RoadMap


def grid(columns, rows, block=120.0, speed=15.0):
    """Crossings `block` metres apart, named "column-row", with a link each way."""
    nodes = {
        f"{column}-{row}": (column * block, row * block)
        for column, row in product(range(columns), range(rows))
    }
    streets = [
        (one, other)
        for one, other in product(nodes, nodes)
        if np.isclose(np.hypot(*np.subtract(nodes[one], nodes[other])), block)
    ]
    return road_map(nodes, streets, speed)


def road_map(nodes, streets, speed=15.0):
    """Nodes {name: (x, y)} and one-way streets [(from, to)], named "from>to"."""
    links = {}
    for start, end in streets:
        points = np.array([nodes[start], nodes[end]], dtype=float)
        links[f"{start}>{end}"] = Link(
            idx=f"{start}>{end}",
            from_node=start,
            to_node=end,
            points=points,
            stations=np.array([0.0, np.hypot(*(points[1] - points[0]))]),
            speed=speed,
            is_entrance=False,
            is_exit=False,
            left=None,
            right=None,
        )
    return RoadMap(nodes, links)


def with_ways_out(columns, rows, ways, block=120.0, speed=15.0):
    """A grid whose crossings `ways` each have a one-way street off the map."""
    inside = grid(columns, rows, block, speed)
    nodes, streets = (
        dict(inside.nodes),
        [tuple(name.split(">")) for name in inside.links],
    )
    for name in ways:
        x, y = nodes[name]
        nodes[f"out of {name}"] = (x - block / 2, y - block / 3)
        streets.append((name, f"out of {name}"))
    return road_map(nodes, streets, speed)
