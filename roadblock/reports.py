"""What a stretch of time brought: captures, response times, ways driven."""

import logging
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Q
from django.utils import timezone

from config import spreadsheets
from roadblock import replay
from roadblock.models import Chase, Event

log = logging.getLogger(__name__)

NEAR = 30.0  # metres from the runner at which a unit counts as having come
LEAP = 150.0  # metres between two positions that no car drives
MOST_CHASES = 100
MOST_POINTS = 20_000
COLUMNS = [
    *("vehicle_id", "car_name", "captures", "misses", "chases", "metres"),
    "response_seconds",
]


def report(begin, end):
    """Return the report of the chases that began in [begin, end), the newest ones.

    Ways and response times are None where there was no position.
    """
    chases = list(
        Chase.objects.filter(started_at__gte=begin, started_at__lt=end)
        .select_related("runner", "catcher")
        .annotate(misses=Count("events", filter=Q(events__status=Event.Status.FAILED)))
    )[:MOST_CHASES]
    units, rows = {}, []

    def unit(id, name, number):
        return units.setdefault(
            id,
            {
                **{"id": id, "vehicle_id": number, "car_name": name},
                **{"captures": 0, "misses": 0, "chases": 0, "metres": None},
                "responses": [],
            },
        )

    for chase in chases:
        figures = figures_of(chase)
        for id, name, number, metres, response in figures["units"]:
            row = unit(id, name, number)
            row["chases"] += 1
            row["metres"] = (row["metres"] or 0.0) + metres
            if response is not None:
                row["responses"].append(response)
        if car := chase.catcher:
            unit(car.pk, car.car_name, car.vehicle_id)["captures"] += 1
        rows.append(_row(chase, figures))
    missed = Event.objects.filter(
        chase__in=[chase.pk for chase in chases], status=Event.Status.FAILED
    ).values_list("catcher", "catcher__car_name", "catcher__vehicle_id")
    for id, name, number in missed.exclude(catcher=None):
        unit(id, name, number)["misses"] += 1
    for row in units.values():
        row["response_seconds"] = mean(row.pop("responses"))
    ranking = sorted(
        units.values(), key=lambda row: (-row["captures"], row["car_name"])
    )
    return {
        "from": begin,
        "to": end,
        "totals": _totals(rows),
        "units": ranking,
        "chases": rows,
    }


def figures_of(chase):
    """Return ways and response times of a chase; they are kept once it has ended."""
    if chase.figures:
        return chase.figures
    figures = measure(replay.record(chase, most_points=MOST_POINTS))
    if chase.ended_at:
        Chase.objects.filter(pk=chase.pk).update(figures=figures)
    return figures


def keep_figures():
    """Measure the chases that nobody asked of, a day before their positions go."""
    kept = timedelta(days=settings.ROADBLOCK_TRACK_KEEP_DAYS - 1)
    ended = Chase.objects.filter(
        ended_at__lt=timezone.now() - kept, figures__isnull=True
    )
    for chase in ended.select_related("runner").order_by("pk"):
        try:
            figures_of(chase)
        except DatabaseError:
            raise
        except Exception:  # one that cannot be measured holds up no other
            log.exception("Chase %s has no figures", chase.pk)


def measure(recording):
    """Return the runner's metres, and (id, name, number, metres, response) of units.

    The response is the seconds from the chase's start until the unit was first within
    NEAR of the runner, None if it never was. Only what lies within the chase counts.
    """
    last = recording.seconds(recording.chase.ended_at or recording.end)

    def within(track):
        rows = np.array(track, float).reshape(-1, 3)
        return rows[(rows[:, 0] >= 0) & (rows[:, 0] <= last)]

    runner = within(recording.tracks.get(recording.chase.runner_id, []))
    units = []
    for car in recording.cars:
        track = within(recording.tracks.get(car.pk, []))
        if car.is_police and len(track):
            units.append(
                (
                    *(car.pk, car.car_name, car.vehicle_id),
                    *(way(track), response(track, runner)),
                )
            )
    return {"runner": way(runner) if len(runner) else None, "units": units}


def way(track):
    """Return the metres of a track of rows (seconds, x, y); leaps are not driven."""
    steps = np.hypot(*np.diff(track[:, 1:], axis=0).T)
    return float(steps[steps < LEAP].sum())


def response(track, runner):
    """Return the first second at which a track is within NEAR of the runner's."""
    if not len(runner):
        return None
    t = track[:, 0]
    t, x, y = track[t >= runner[0, 0]].T  # where the runner was before is not known
    near = np.hypot(
        x - np.interp(t, runner[:, 0], runner[:, 1]),
        y - np.interp(t, runner[:, 0], runner[:, 2]),
    )
    hits = np.flatnonzero(near <= NEAR)
    return float(t[hits[0]]) if len(hits) else None


def csv(figures):
    """Return the report's units as CSV."""
    lines = [spreadsheets.BYTE_ORDER_MARK, spreadsheets.line(COLUMNS)]
    for row in figures["units"]:
        cells = dict(row)
        for name in ("metres", "response_seconds"):
            cells[name] = None if row[name] is None else f"{row[name]:.1f}"
        lines.append(spreadsheets.line([cells[name] for name in COLUMNS]))
    return "".join(lines).encode()


def mean(values):
    return sum(values) / len(values) if values else None


def _row(chase, figures):
    responses = [unit[4] for unit in figures["units"] if unit[4] is not None]
    over = chase.ended_at
    return {
        "id": chase.pk,
        "runner_id": chase.runner_id,
        "runner": chase.runner.car_name,
        "catcher": chase.catcher.car_name if chase.catcher else None,
        "outcome": chase.outcome,
        "started_at": chase.started_at,
        "ended_at": over,
        "seconds": (over - chase.started_at).total_seconds() if over else None,
        "misses": chase.misses,
        "response_seconds": min(responses, default=None),
        "runner_metres": figures["runner"],
        "units": len(figures["units"]),
    }


def _totals(rows):
    caught = [row for row in rows if row["outcome"] == Chase.Outcome.CAUGHT]
    responses = [row["response_seconds"] for row in rows]
    return {
        "chases": len(rows),
        "caught": len(caught),
        "seconds_to_capture": mean([row["seconds"] for row in caught]),
        "response_seconds": mean([r for r in responses if r is not None]),
    }
