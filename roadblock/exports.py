"""A recorded chase as a file: GeoJSON, GPX, CSV."""

import json
from datetime import timedelta
from xml.etree import ElementTree

from config import spreadsheets
from config.errors import Conflict
from roadblock import maps, replay
from roadblock.mgeo import MapError

MOST_POINTS = 100_000
GPX = "http://www.topografix.com/GPX/1/1"
COLUMNS = [
    *("time", "seconds", "vehicle_id", "car_name", "vehicle_type", "x", "y"),
    *("latitude", "longitude"),
]


class NotOnEarth(Conflict):
    """This map does not say where on earth it is; export GeoJSON or CSV instead."""

    code = "no_georeference"


def geojson(recording):
    """Return a FeatureCollection: a line for each car, a point for each event.

    In longitude and latitude where the map's place on earth is known, else in the
    map's metres; the member `units` says which. `times` goes along with a line's
    coordinates.
    """
    place = placer(recording)

    def at(x, y):
        if place is None:
            return [round(x, 2), round(y, 2)]
        latitude, longitude = place(x, y)
        return [round(longitude, 8), round(latitude, 8)]

    lines = [
        feature(
            "LineString",
            [at(x, y) for _t, x, y in track],
            **about(car),
            times=[stamp(recording, t) for t, _x, _y in track],
        )
        for car, track in tracked(recording)
        if len(track) > 1  # a line has two ends
    ]
    points = [
        feature(
            "Point",
            at(*where),
            status=event.status,
            time=event.created_at.isoformat(),
            catcher=event.catcher and event.catcher.car_name,
        )
        for event, where in placed_events(recording)
    ]
    return json.dumps(
        {
            "type": "FeatureCollection",
            "units": "metres" if place is None else "degrees",
            "chase": recording.chase.pk,
            "map_id": recording.map_id,
            "features": lines + points,
        },
        ensure_ascii=False,
    ).encode()


def gpx(recording):
    """Return GPX 1.1: a track for each car, a waypoint for each event.

    Raises NotOnEarth where latitude and longitude cannot be known.
    """
    place = placer(recording)
    if place is None:
        raise NotOnEarth

    def add(parent, tag, text=None, **attributes):
        child = ElementTree.SubElement(parent, f"{{{GPX}}}{tag}", attributes)
        child.text = text and _legible(text)
        return child

    def point(parent, tag, x, y):
        latitude, longitude = place(x, y)
        return add(parent, tag, lat=f"{latitude:.8f}", lon=f"{longitude:.8f}")

    ElementTree.register_namespace("", GPX)
    root = ElementTree.Element(f"{{{GPX}}}gpx", version="1.1", creator="Madang")
    for event, where in placed_events(recording):
        waypoint = point(root, "wpt", *where)
        add(waypoint, "time", event.created_at.isoformat())
        add(waypoint, "name", str(event.status))
    for car, track in tracked(recording):
        line = add(root, "trk")
        add(line, "name", car.car_name)
        add(line, "type", car.vehicle_type)
        segment = add(line, "trkseg")
        for t, x, y in track:
            add(point(segment, "trkpt", x, y), "time", stamp(recording, t))
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def csv(recording):
    """Return a line for each position, ordered by car and time."""
    place = placer(recording)
    lines = [spreadsheets.BYTE_ORDER_MARK, spreadsheets.line(COLUMNS)]
    for car, track in tracked(recording):
        for t, x, y in track:
            earth = place(x, y) if place else (None, None)
            where = [None if degrees is None else f"{degrees:.8f}" for degrees in earth]
            lines.append(
                spreadsheets.line(
                    [
                        *(stamp(recording, t), f"{t:.3f}"),
                        *(car.vehicle_id, car.car_name, car.vehicle_type),
                        *(f"{x:.3f}", f"{y:.3f}", *where),
                    ]
                )
            )
    return "".join(lines).encode()


FORMS = {
    "geojson": (geojson, "application/geo+json"),
    "gpx": (gpx, "application/gpx+xml"),
    "csv": (csv, "text/csv; charset=utf-8"),
}


def placer(recording):
    """Return f(x, y) -> (latitude, longitude) of the chase's map, or None."""
    folder = replay.folder_of(recording.map_id)
    if folder is None:
        return None
    road_map = maps.load(folder)
    try:
        road_map.to_wgs84(0, 0)
    except MapError:
        return None
    return road_map.to_wgs84


def tracked(recording):
    """Yield each car that has a track, with it."""
    for car in recording.cars:
        if track := recording.tracks.get(car.pk):
            yield car, track


def placed_events(recording):
    """Yield (event, (x, y)) where the runner was last heard before the event."""
    track = recording.tracks.get(recording.chase.runner_id, [])
    for event in recording.events:
        t = recording.seconds(event.created_at)
        if before := [(x, y) for at, x, y in track if at <= t] or [
            (x, y) for _t, x, y in track[:1]
        ]:
            yield event, before[-1]


def stamp(recording, seconds):
    moment = recording.chase.started_at + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds")


def about(car):
    return {
        "vehicle_id": car.vehicle_id,
        "car_name": car.car_name,
        "vehicle_type": car.vehicle_type,
    }


def feature(kind, coordinates, **properties):
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def _legible(text):
    """Return the text without the control characters that XML cannot hold."""
    return "".join(c for c in text if c >= " " or c in "\t\n")
