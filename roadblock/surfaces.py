"""The road surface of a map: GeoJSON polygons in local metres, for the dashboards."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import shapely
from shapely.geometry import mapping

from roadblock import mgeo

WIDTH_DEFAULT = 4.0
MARGIN = 0.45
SHOULDER = 3.0
SIMPLIFY_TOLERANCE = 0.10


def surface(folder: Path) -> bytes:
    """The map's merged_road_surfaces.geojson; computed where the folder has none.

    What was computed is kept in the folder for the next time, unless the folder can't
    be written. Raises MapError when there is nothing to compute it from.
    """
    path = folder / mgeo.SURFACE_FILE
    try:
        return path.read_bytes()
    except FileNotFoundError:
        body = _from_links(folder)
    except OSError as error:
        raise mgeo.MapError(f"{path.name} can't be read: {error.strerror}") from error
    with contextlib.suppress(OSError):
        _write_whole(path, body)
    return body


def square_metres(body: bytes) -> float:
    """The area of a surface's polygons; raise MapError if it isn't GeoJSON."""
    try:
        return shapely.from_geojson(body).area
    except shapely.errors.GEOSException as error:
        raise mgeo.MapError(f"{mgeo.SURFACE_FILE} is not GeoJSON") from error


def merge(lines: Sequence[shapely.LineString], reaches: Sequence[float]) -> bytes:
    """GeoJSON of lanes widened by `reaches` metres to each side and united.

    The delivered files were made this way: round caps and joins, sixteen segments to a
    quarter circle, one feature for each polygon.
    """
    widened = shapely.buffer(lines, reaches, quad_segs=16)
    properties = {
        "source": mgeo.SIMPLIFIED_FILE,
        "method": "buffer+dissolve",
        "width_default_m": WIDTH_DEFAULT,
        "margin_m": MARGIN,
        "simplify": 0.0,
    }
    features = [
        {"type": "Feature", "properties": properties, "geometry": mapping(polygon)}
        for polygon in shapely.get_parts(shapely.union_all(widened))
    ]
    collection = {
        "type": "FeatureCollection",
        "name": "merged_road_surfaces",
        "features": features,
    }
    return json.dumps(collection).encode()


def reach(width_start: float, width_end: float) -> float:
    """How far the surface goes to each side of a lane's middle, metres."""
    return (width_start + width_end) / 4 + MARGIN + SHOULDER


def _from_links(folder: Path) -> bytes:
    path = mgeo.links_file(folder, (mgeo.SIMPLIFIED_FILE, *mgeo.LINK_FILES))
    rows = mgeo.read_rows(path)
    lines = [shapely.LineString(mgeo.polyline(row)) for row in rows]
    if path.name != mgeo.SIMPLIFIED_FILE:
        lines = shapely.simplify(lines, SIMPLIFY_TOLERANCE, preserve_topology=False)
    reaches = [reach(_width(row, "start"), _width(row, "end")) for row in rows]
    return merge(lines, reaches)


def _width(row: dict, end: str) -> float:
    return mgeo.positive(row.get(f"width_{end}"), default=WIDTH_DEFAULT)


def _write_whole(path: Path, body: bytes) -> None:
    """Write a file that readers see whole or not at all; raise OSError if it fails."""
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        fresh.write_bytes(body)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
