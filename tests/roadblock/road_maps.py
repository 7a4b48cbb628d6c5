"""The real map that is expected to come out right, and rows of a small one."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("MADANG_CONTRACTS", REPO.parent / "shared/contracts"))
K_CITY = CONTRACTS / "roadblock/maps/R_KR_PG_K-City"

needs_k_city = pytest.mark.skipif(
    not K_CITY.is_dir(), reason="The licensed K-City map isn't here (MADANG_CONTRACTS)"
)


def node(idx, x, y, **more):
    return {"idx": idx, "point": [x, y, 0.0], "node_type": None} | more


def link(idx, start, end, points, **more):
    return {
        "idx": idx,
        "from_node_idx": start,
        "to_node_idx": end,
        "points": points,
    } | more


# Two lanes east from A and B to C and D, and a way on from C to E.
NODES = [
    node("A", 0, 0),
    node("B", 0, -4),
    node("C", 100, 0),
    node("D", 100, -4),
    node("E", 100, 50),
]
LINKS = [
    link("AC", "A", "C", [[0, 0], [0, 0], [60, 0], [60, 0], [100, 0]], max_speed="36"),
    link("BD", "B", "D", [[0, -4, 1.5], [100, -4, 1.5]]),
    link("CE", "C", "E", [[100, 0], [100, 50]], max_speed=72, is_exit=True),
]


def with_changes(row, **changes):
    return [row | changes if x is row else x for x in LINKS]
