"""Road maps: which are installed, and each as a graph to find ways on.

The graph itself is in roadmap.py, its drawn surface in surfaces.py, the files' format
in mgeo.py.
"""

import logging
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

from roadblock import mgeo
from roadblock.mgeo import MapError
from roadblock.roadmap import Bbox, Link, RoadMap

logger = logging.getLogger(__name__)

TOWN_ID = 100
CATALOGUE = {
    1: ("K-City", "R_KR_PG_K-City"),
    2: ("KATRI", "R_KR_PG_KATRI"),
    3: ("KIAPI", "R_KR_PG_KIAPI"),
    4: ("상암 (건물 없음)", "R_KR_PR_Sangam_NoBuildings"),
    5: ("세종 BRT", "R_KR_PR_SejongBRT0"),
    6: ("라스베가스 컨벤션 센터", "R_US_PR_LVCC"),
    TOWN_ID: ("Madang Town", "MADANG_TOWN"),
}
FIRST_FREE_ID = 101
DEFAULT_SPEED_KMH = 50.0


class MapInfo(NamedTuple):
    """An installed map as a list of maps shows it; bbox is minx, miny, maxx, maxy."""

    id: int
    name: str
    folder: Path
    bbox: Bbox


def installed(root: Path) -> list[MapInfo]:
    """The usable maps below `root`, by id; broken ones are left out with a warning.

    Folders that aren't in the catalogue are numbered from 101 in the order of their
    names. Cheap to call again: a folder is read once until its files change.
    """
    known = {folder: (map_id, name) for map_id, (name, folder) in CATALOGUE.items()}
    folders = sorted(path for path in root.glob("[!.]*") if path.is_dir())
    strangers = [x for x in folders if x.name not in known and _looks_like_map(x)]
    known |= {x.name: (i, x.name) for i, x in enumerate(strangers, FIRST_FREE_ID)}
    found = []
    for folder in folders:
        if folder.name in known:
            try:
                bbox = load(folder).bbox
            except MapError:
                continue
            found.append(MapInfo(*known[folder.name], folder, bbox))
    return sorted(found)


def load(folder: Path) -> RoadMap:
    """The map in a folder; the same object until one of its files changes.

    Raises MapError as `read` does.
    """
    stamp = _stamp(folder)
    with _loading:
        known_stamp, outcome = _loaded.get(folder, (None, None))
        if stamp != known_stamp:
            try:
                outcome = read(folder)
            except MapError as error:
                logger.warning("Map %s is not usable: %s", folder.name, error)
                outcome = error
            _loaded[folder] = stamp, outcome
    if isinstance(outcome, MapError):
        raise MapError(*outcome.args)
    return outcome


def read(folder: Path) -> RoadMap:
    """The map in a folder, read anew.

    Strict about what makes the graph (ids, ends, points), lenient about all else: a
    missing speed is 50 km/h, a lane change needs both its flag and a lane to change to.
    Raises MapError, which says what is wrong.
    """
    nodes = {}
    for row in mgeo.read_rows(folder / mgeo.NODE_FILE):
        nodes[mgeo.identifier(row, "idx")] = mgeo.place(row)
    rows = mgeo.read_rows(mgeo.links_file(folder))
    if not rows:
        raise MapError("the map has no links")
    by_idx = {mgeo.identifier(row, "idx"): row for row in rows}
    if len(by_idx) < len(rows):
        raise MapError("two links have the same idx")
    links = {idx: _link(idx, row, by_idx) for idx, row in by_idx.items()}
    for link in links.values():
        for node in (link.from_node, link.to_node):
            if node not in nodes:
                raise MapError(f"link {link.idx} names node {node}, which isn't there")
    return RoadMap(nodes, links, mgeo.read_origin(folder))


_loaded: dict[Path, tuple[tuple, RoadMap | MapError]] = {}
_loading = threading.Lock()


def _stamp(folder: Path) -> tuple:
    """What changes when one of the files that `load` reads does."""
    stamp = []
    for name in (mgeo.GLOBAL_FILE, mgeo.NODE_FILE, *mgeo.LINK_FILES):
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        stamp.append((name, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(stamp)


def _looks_like_map(folder: Path) -> bool:
    names = {name for name, *_ in _stamp(folder)}
    return mgeo.NODE_FILE in names and not names.isdisjoint(mgeo.LINK_FILES)


def _link(idx: str, row: dict, known: dict[str, dict]) -> Link:
    points = mgeo.polyline(row)
    steps = np.hypot(*np.diff(points, axis=0).T)
    return Link(
        idx=idx,
        from_node=mgeo.identifier(row, "from_node_idx"),
        to_node=mgeo.identifier(row, "to_node_idx"),
        points=points,
        stations=np.concatenate([[0.0], np.cumsum(steps)]),
        speed=mgeo.positive(row.get("max_speed"), DEFAULT_SPEED_KMH) / 3.6,
        is_entrance=row.get("is_entrance") is True,
        is_exit=row.get("is_exit") is True,
        left=_change(row, "left", known),
        right=_change(row, "right", known),
    )


def _change(row: dict, side: str, known: dict[str, dict]) -> str | None:
    """The lane beside, where the lane marking lets one pass to it."""
    target = str(row.get(f"{side}_lane_change_dst_link_idx"))
    allowed = row.get(f"can_move_{side}_lane") is True
    return target if allowed and target in known else None
