"""What a record's plots show, out of its processed CSV; pure functions, true units."""

import numpy as np
import polars as pl

from diagnosis import scoring

MOST_POINTS = 2_000
CHANNELS = [
    *(f"Position_{axis}" for axis in scoring.AXES),
    *(f"Rotation_{axis}" for axis in scoring.AXES),
    "Gap",
    "Score",
    "State",
]


def analyse(content):
    """Return plots and figures of a processed CSV (bytes) as plain values for JSON.

    `points`: seconds since the start and the channels at the same rows, at most
    MOST_POINTS of them, or one for each event where there are more events; each
    channel's highs and lows stay. `events`: all of them, with `elapsed_seconds` since
    the last Fail or the start, and `number` among their like from 1. `statistics` of
    each channel, `correlations` of each pair of columns. A gap is None.
    """
    table = scoring.numbers(scoring.read(content))
    seconds = table["time (second)"].to_numpy()
    channels = {
        name: scoring.doubles(table, name)
        for name in CHANNELS
        if name in table.columns and table[name].dtype != pl.String
    }
    happened = list(events(table, seconds))
    rows = kept([*channels.values()], [event["row"] for event in happened])
    return {
        "points": {
            "rows": rows.tolist(),
            "seconds": plain(seconds[rows]),
            "channels": {
                name: plain(values[rows]) for name, values in channels.items()
            },
        },
        "events": happened,
        "statistics": {name: statistics(values) for name, values in channels.items()},
        "correlations": correlations(table),
    }


def events(table, seconds):
    """Yield the events of a processed table in the order of its rows."""
    numbers = {"Success": 0, "Fail": 0}
    happened = table.with_row_index("row").filter(pl.col("event").is_not_null())
    for row, word, text in happened.select("row", "event", "spend_time").iter_rows():
        numbers[word] += 1
        yield {
            "row": row,
            "seconds": float(seconds[row]),
            "event": word,
            "number": numbers[word],
            "elapsed_seconds": float(text.removesuffix("ms")),
        }


def kept(channels, events):
    """Return the rows to draw, in order: the first, the last, those of events, and of
    each stretch the highest and the lowest of each channel."""
    size = len(channels[0])
    if size <= MOST_POINTS:
        return np.arange(size)
    always = np.unique([0, *events, size - 1])
    stretches = (MOST_POINTS - len(always)) // (2 * len(channels))
    if stretches < 1:
        return always
    length = -(-size // stretches)
    rows = [always]
    for values in channels:
        padded = np.full(length * stretches, np.nan)
        padded[:size] = values
        padded = padded.reshape(stretches, length)
        starts = np.arange(stretches) * length
        filled = ~np.isnan(padded).all(axis=1)
        rows.append(
            (starts + np.where(np.isnan(padded), np.inf, padded).argmin(1))[filled]
        )
        rows.append(
            (starts + np.where(np.isnan(padded), -np.inf, padded).argmax(1))[filled]
        )
    telling = np.unique(np.concatenate(rows))
    room = MOST_POINTS - len(telling)
    return np.union1d(telling, np.linspace(0, size - 1, room).astype(int))


def statistics(values):
    """Return min, max, mean and standard deviation of an array; None without values."""
    known = values[np.isfinite(values)]
    if not known.size:
        return dict.fromkeys(("min", "max", "mean", "deviation"))
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            "min": float(known.min()),
            "max": float(known.max()),
            "mean": finite(known.mean()),
            "deviation": finite(known.std()),
        }


def correlations(table):
    """Return Pearson's correlation of each pair of number columns, as {"A * B": r}.

    Pairs stand in the order of the file; rows with a gap are left out; None where a
    column never changes.
    """
    table = table.drop("event", "spend_time")
    numeric = table.select(c for c in table if c.dtype != pl.String)
    values = numeric.cast(pl.Float64).drop_nulls().to_numpy().T
    values = values[:, np.isfinite(values).all(axis=0)]
    found = {}
    with np.errstate(all="ignore"):  # too large to square: None as well
        still = (values == values[:, :1]).all(axis=1)
        matrix = np.corrcoef(values) if values.shape[1] > 1 else None
    for i, first in enumerate(numeric.columns):
        for j in range(i + 1, len(numeric.columns)):
            r = None if still[i] or still[j] else finite(matrix[i, j])
            found[f"{first} * {numeric.columns[j]}"] = r
    return found


def finite(value):
    return float(value) if np.isfinite(value) else None


def plain(values):
    """Return an array as a list for JSON, None where a value is none or infinite."""
    return [value if np.isfinite(value) else None for value in values.tolist()]
