"""The demo town: a synthetic road map in the MGeo format, free to give away.

Its streets are laid out in town_streets.py and get their lanes in town_lanes.py; this
module writes the files.
"""

import json
from pathlib import Path

import numpy as np
import shapely

from roadblock import mgeo, surfaces, town_lanes, town_streets

SEED = 7
ORIGIN = [320_000.0, 4_150_000.0, 0.0]
INTERSECTION, OTHER_NODE = "1", "99"
WITHIN_JUNCTION, ORDINARY_LANE = "1", "6"


def build(folder: Path, seed: int = SEED) -> None:
    """Make the folder with the town's map, or replace it; equal seeds, equal bytes.

    Whoever reads meanwhile sees the whole map or none. Raises ValueError for a negative
    seed, OSError where the folder can't be made.
    """
    network = town_lanes.network(town_streets.plan(seed))
    links = [_link_row(row, lane) for row, lane in enumerate(network.lanes)]
    lines = shapely.simplify(
        [shapely.LineString(lane.points) for lane in network.lanes],
        surfaces.SIMPLIFY_TOLERANCE,
        preserve_topology=False,
    )
    simplified = [
        row | {"points": shapely.get_coordinates(line).round(3).tolist()}
        for row, line in zip(links, lines, strict=True)
    ]
    with mgeo.replacing(folder) as fresh:
        _write(fresh / mgeo.GLOBAL_FILE, _global_info())
        _write(fresh / mgeo.NODE_FILE, _node_rows(network))
        _write(fresh / mgeo.LINK_FILES[0], links)
        _write(fresh / mgeo.SIMPLIFIED_FILE, simplified)
        surfaces.surface(fresh)


def _global_info() -> dict:
    return {
        "maj_ver": 3,
        "min_ver": 0,
        "global_coordinate_system": "+proj=utm +zone=52 +ellps=WGS84 +units=m +no_defs",
        "local_origin_in_global": ORIGIN,
        "workspace_origin": [0, 0, 0],
        "lane_change_link_included": False,
        "traffic_dir": "RHT",
        "license": "CC0-1.0",
    }


def _node_rows(network: town_lanes.Network) -> list[dict]:
    turns = [lane for lane in network.lanes if lane.turn is not None]
    stops = {turn.start for turn in turns}
    inside = stops | {turn.end for turn in turns}
    return [
        {
            "idx": _node_idx(row),
            "node_type": INTERSECTION if row in inside else OTHER_NODE,
            "junction": [],
            "point": [*place.round(3).tolist(), 0.0],
            "on_stop_line": row in stops,
        }
        for row, place in enumerate(network.nodes)
    ]


def _link_row(row: int, lane: town_lanes.Lane) -> dict:
    heights = np.zeros(len(lane.points))
    return {
        "idx": _link_idx(row),
        "from_node_idx": _node_idx(lane.start),
        "to_node_idx": _node_idx(lane.end),
        "points": np.column_stack([lane.points.round(3), heights]).tolist(),
        "max_speed": lane.speed,
        "min_speed": 0,
        "lazy_init": False,
        "can_move_left_lane": lane.left is not None,
        "can_move_right_lane": lane.right is not None,
        "left_lane_change_dst_link_idx": _link_idx(lane.left),
        "right_lane_change_dst_link_idx": _link_idx(lane.right),
        "lane_ch_link_path": [],
        "link_type": ORDINARY_LANE if lane.turn is None else WITHIN_JUNCTION,
        "road_type": "1",
        "road_id": "",
        "ego_lane": lane.ego_lane,
        "related_signal": lane.turn,
        "width_start": town_lanes.LANE_WIDTH,
        "width_end": town_lanes.LANE_WIDTH,
        "lane_mark_left": [],
        "lane_mark_right": [],
        "opp_traffic": False,
        "is_entrance": lane.enters,
        "is_exit": lane.leaves,
        "speed_offset": 0,
    }


def _node_idx(row: int) -> str:
    return f"N{row:05}"


def _link_idx(row: int | None) -> str | None:
    return None if row is None else f"L{row:05}"


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")))
