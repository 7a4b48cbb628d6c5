"""The files of a road map's folder (MGeo format), as they lie on disk.

What the rows mean as a graph is in maps.py; the road surface is in surfaces.py.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf, isfinite, nan
from pathlib import Path
from typing import NamedTuple

import numpy as np

GLOBAL_FILE = "global_info.json"
NODE_FILE = "node_set.json"
SIMPLIFIED_FILE = "link_set_2d_simplified.json"
# The first that is there is read: the later ones have lost points, so their
# polylines are a little too short.
LINK_FILES = ("link_set.json", "link_set_2d.json", SIMPLIFIED_FILE)
SURFACE_FILE = "merged_road_surfaces.geojson"
FILES = (GLOBAL_FILE, NODE_FILE, *LINK_FILES, SURFACE_FILE)

# What turning a value of the files into floats may raise.
NOT_NUMBERS = (KeyError, TypeError, ValueError, OverflowError)


class MapError(ValueError):
    """This folder doesn't hold a usable road map."""


class Origin(NamedTuple):
    """Where a map's (0, 0) lies: a UTM zone, and metres in it."""

    zone: int
    south: bool
    easting: float
    northing: float


def read_rows(path: Path) -> list[dict]:
    """The objects of a file that holds a JSON list of them; raise MapError if not."""
    rows = _read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MapError(f"{path.name} is not a list of objects")
    return rows


def links_file(folder: Path, names: tuple[str, ...] = LINK_FILES) -> Path:
    """The first of `names` that the folder holds; raise MapError if none is there."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise MapError(f"the folder holds none of {', '.join(names)}")


def read_origin(folder: Path) -> Origin | None:
    """The map's place on Earth, or None where the folder doesn't tell.

    Only UTM is understood (`+proj=utm` of `global_coordinate_system`), which all
    known maps use. Raises MapError when global_info.json isn't a JSON object.
    """
    path = folder / GLOBAL_FILE
    if not path.is_file():
        return None
    info = _read_json(path)
    if not isinstance(info, dict):
        raise MapError(f"{path.name} is not an object")

    system = str(info.get("global_coordinate_system"))
    zone = re.search(r"\+zone=(\d+)", system)
    try:
        easting, northing = np.array(info["local_origin_in_global"][:2], float).tolist()
    except NOT_NUMBERS:
        return None
    if "+proj=utm" not in system or zone is None:
        return None
    return Origin(int(zone[1]), "+south" in system, easting, northing)


def identifier(row: dict, key: str) -> str:
    """The id under `key`; raise MapError if there is none."""
    value = row.get(key)
    if not isinstance(value, str | int):
        raise MapError(f"{key} is missing from {row.get('idx') or 'a row'}")
    return str(value)


def place(row: dict) -> tuple[float, float]:
    """A node's x and y; raise MapError if they aren't two finite numbers."""
    try:
        x, y = np.array(row["point"][:2], dtype=np.float64).tolist()
    except NOT_NUMBERS:
        x = y = nan
    if not (isfinite(x) and isfinite(y)):
        raise MapError(f"node {row.get('idx')} has no usable point")
    return x, y


def polyline(row: dict) -> np.ndarray:
    """A link's points as float64 (n, 2), n >= 2, without height or repetitions.

    A link without extent keeps its point twice, so that what hangs on its ends stays
    connected. Raises MapError for fewer than two points or ones that aren't numbers.
    """
    try:
        points = np.array([point[:2] for point in row["points"]], dtype=np.float64)
    except NOT_NUMBERS:
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise MapError(f"link {row.get('idx')} has no usable points")
    if len(points) < 2:
        raise MapError(f"link {row.get('idx')} has fewer than two points")
    moves = np.any(points[1:] != points[:-1], axis=1)
    distinct = points[np.r_[True, moves]]
    return distinct if len(distinct) > 1 else points[:2]


def positive(value: object, default: float) -> float:
    """A number as the files write it (int, float or string), or else the default."""
    try:
        number = float(value)
    except NOT_NUMBERS:
        return default
    return number if 0 < number < inf else default


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `folder` if all goes well.

    Readers see the old folder or the new one, whole; when the block raises, the old
    one stays. Raises OSError where the parent can't be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A leading dot keeps half-made maps out of the list of installed ones.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as room:
        fresh, old = Path(room, "fresh"), Path(room, "old")
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise


def copy(source: Path, target: Path) -> None:
    """Copy the files that a map consists of, and nothing else, between two folders."""
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise MapError(f"{path.name} can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise MapError(f"{path.name} is not valid JSON: {error}") from error
