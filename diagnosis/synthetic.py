"""Made-up recordings that look like a headset's, the same for the same seed.

A head turns slowly, as a sum of a few waves, and points come now and then; better
players (skill near 1) win them faster and lose fewer.
"""

import csv
import io
from datetime import datetime, timedelta

import numpy as np

ROWS_A_SECOND = 72
HEADERS = {
    "BALANCEBALL": "Rotation_X,Rotation_Y,Rotation_Z,current_time,Score,State",
    "FITBOX": "current_time,State,Score,Rotation_X,Rotation_Y,Rotation_Z",
    "TENNISBALL": (
        "Position,Rotation_X,Rotation_Y,Rotation_Z,Gap,current_time,Score,State"
    ),
}
# Points at the start, for a success, and for a failure.
POINTS = {"BALANCEBALL": (0, 1, 0), "FITBOX": (1000, 0, -50), "TENNISBALL": (0, 10, -5)}


def recording(kind, *, seconds=60, level=1, skill=0.7, seed=0, start=None):
    """Return the CSV of a test as a headset would upload it, as bytes.

    `seconds` is how long it takes, `start` a naive datetime on the headset's clock.
    """
    start = start or datetime(2026, 1, 1, 10)  # noqa: DTZ001 (headsets know no zones)
    chance = np.random.default_rng(seed)
    size = max(2, round(seconds * ROWS_A_SECOND))
    millis = np.linspace(0, seconds * 1000, size)
    millis[1:-1] += chance.uniform(-3, 3, size - 2)
    millis = millis.round().astype(int)
    score, state = points(kind, size, level, skill, chance)
    columns = {
        "current_time": [moment(start, int(ms)) for ms in millis],
        "Score": score,
        "State": state,
    }
    for axis, middle in zip("XYZ", (0.0, 0.7, 0.05), strict=True):
        turn = waves(millis / 1000, 0.2 + 0.05 * level, chance)
        columns[f"Rotation_{axis}"] = as_text(middle + turn)
    if kind == "TENNISBALL":
        path = zip(
            *(as_text(waves(millis / 1000, 1.5, chance)) for _ in "XYZ"), strict=True
        )
        columns["Position"] = [f"({x}, {y}, {z})" for x, y, z in path]
        columns["Gap"] = as_text(np.abs(waves(millis / 1000, 1.0, chance)))
    names = HEADERS[kind].split(",")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*(columns[name] for name in names), strict=True))
    return text.getvalue().encode()


def points(kind, size, level, skill, chance):
    """Return Score and State for each row; one comes about every three seconds."""
    first, won, lost = POINTS[kind]
    moments = chance.random(size) < 1 / (3 * ROWS_A_SECOND)
    moments[0] = False
    wins = chance.random(size) < skill - 0.1 * (level - 1)
    steps = np.where(moments, np.where(wins, 1, -1), 0)
    gains = np.where(moments, np.where(wins, won, lost if level > 1 or first else 0), 0)
    return (first + gains.cumsum()).tolist(), steps.cumsum().tolist()


def waves(seconds, height, chance):
    """Return a smooth, restless curve around 0 that rarely exceeds `height`."""
    total = np.zeros(len(seconds))
    for hertz in (0.1, 0.3, 0.9, 2.5):
        phase = chance.uniform(0, 2 * np.pi)
        pace = hertz * chance.uniform(0.8, 1.2)
        total += np.sin(2 * np.pi * pace * seconds + phase) / (1 + 3 * hertz)
    return height * total / 2


def moment(start, milliseconds):
    at = start + timedelta(milliseconds=milliseconds)
    return at.isoformat(" ", "milliseconds")


def as_text(values):
    """Return numbers as headsets write them: single precision, seven digits."""
    return [f"{value:.7G}" for value in values.astype(np.float32).tolist()]
