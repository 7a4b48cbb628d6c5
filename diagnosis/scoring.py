"""A recording's CSV becomes its scores and its processed CSV; pure functions.

The processed file is what clinics have compared by hash for years, so every byte of it
counts: doubles as Python's repr() writes them, `spend_time` labelled `ms` though it
holds seconds. What its values mean, in true units, is for analysis.py to tell.
"""

import csv
import io
import math
import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from django.utils.translation import gettext_noop
from polars.exceptions import ComputeError, NoDataError

# Stored with every result. Raise it whenever the same recording may score differently.
VERSION = 1

TENNISBALL = "TENNISBALL"
REQUIRED = ["current_time", "Score", "State"]
AXES = "XYZ"
TO_FRACTION = len("2025-01-24 14:24:44.")
TO_FRACTION_FORM = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.$"
POWERS_OF_TEN = 10 ** np.arange(7)
STILL = 2.220446049250313e-15  # an axis that moves by less does not move

# repr() turns to exponents below this, polars further down.
SMALLEST_PLAIN = 1e-4
LARGEST_INT64 = 2.0**63


class Unusable(Exception):
    """The recording cannot be scored; `template` filled with `values` says why.

    The template is untranslated, so that the reason can be stored and be shown in the
    language of whoever reads it.
    """

    def __init__(self, template, **values):
        self.template = template
        self.values = values
        super().__init__(template.format(**values))


@dataclass(frozen=True)
class Scored:
    """What scoring finds: points, seconds, rows a second, and the processed CSV."""

    score: float
    time_spent: float
    fps: float
    rows: int
    csv: bytes


def score(kind, raw):
    """Score a recording.

    `kind` is BALANCEBALL, FITBOX or TENNISBALL, `raw` the file's bytes as uploaded.
    Returns a Scored, whose numbers are all finite; raises Unusable.
    """
    table = read(raw)
    wanted = [*REQUIRED, "Position"] if kind == TENNISBALL else REQUIRED
    for name in wanted:
        if name not in table.columns:
            raise Unusable(gettext_noop("The column {name} is missing."), name=name)
    if table.is_empty():
        raise Unusable(gettext_noop("There is no row below the header."))
    texts = wanted[:1] + wanted[3:]
    table = table.with_columns(numbers(table.drop(texts)))
    points, state = doubles(table, "Score"), doubles(table, "State")
    if not math.isfinite(points[-1]):
        raise Unusable(gettext_noop("The last Score is empty or not finite."))
    times = seconds(table["current_time"])
    time_spent = float(times[-1] - times[0])
    if time_spent <= 0:
        raise Unusable(gettext_noop("No time passes from the first row to the last."))
    if kind == TENNISBALL:
        table = table.drop("Position").with_columns(positions(table["Position"]))
    rows, words, spans = events(state, times)
    table = table.with_columns(
        sparse("event", len(times), rows, words),
        sparse("spend_time", len(times), rows, [f"{span!r}ms" for span in spans]),
        pl.Series("time (second)", times - times[0]),
    )
    return Scored(
        score=float(points[-1]),
        time_spent=time_spent,
        fps=len(times) / time_spent,
        rows=len(times),
        csv=write(table),
    )


def read(raw):
    """Return the CSV in `raw` as a table of texts, gaps as nulls, blank lines left out.

    Raises Unusable when the bytes are no UTF-8, or no table of one width.
    """
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise Unusable(
            gettext_noop("The file is not in UTF-8: byte {number} does not fit."),
            number=error.start + 1,
        ) from error
    try:
        table = pl.read_csv(raw, infer_schema=False, quote_char='"')
    except NoDataError as error:
        raise Unusable(gettext_noop("The file is empty.")) from error
    except ComputeError as error:
        check_width(raw)
        raise Unusable(
            gettext_noop("The file is no CSV: a quotation mark is out of place.")
        ) from error
    names = header(raw)
    for name in names:
        if names.count(name) > 1:
            raise Unusable(gettext_noop("Two columns are named {name}."), name=name)
    table.columns = names
    # A short row reads like one with empty cells; only its commas tell.
    commas = raw.count(b",")
    if b'"' in raw:
        commas -= sum(name.count(",") for name in names)
        inner = table.select(pl.all().str.count_matches(",", literal=True).sum())
        commas -= sum(inner.row(0))
        table = table.with_columns(pl.all().replace("", None))
    blank = table.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if commas != (len(names) - 1) * (1 + len(table) - blank.sum()):
        check_width(raw)
        return table  # commas alone in a line: a row, though one of gaps
    return table.filter(~blank) if blank.any() else table


def lines(raw):
    text = io.TextIOWrapper(io.BytesIO(raw), "utf-8-sig", newline="")
    return (cells for cells in csv.reader(text) if cells)


def header(raw):
    return next(lines(raw))


def check_width(raw):
    """Raise Unusable for the first row with more or fewer cells than the header."""
    try:
        rows = lines(raw)
        width = len(next(rows))
        for number, cells in enumerate(rows, 1):
            if len(cells) != width:
                raise Unusable(
                    gettext_noop("Row {number} has {cells} cells, the header {width}."),
                    number=number,
                    cells=len(cells),
                    width=width,
                )
    except csv.Error:  # a cell beyond all measure, after a quotation mark gone astray
        return


def numbers(table):
    """Return the columns of texts as integers or doubles where all cells are such.

    A gap makes a column of integers one of doubles; `NaN` is a gap.
    """
    # Whole tables at a time: polars works on several columns at once.
    gaps = table.null_count().row(0, named=True)
    full = table.select(name for name in table.columns if not gaps[name])
    # Most columns of doubles show within a few rows that they hold no integers.
    likely = cast(full.head(100), pl.Int64, gaps).columns
    whole = cast(full.select(likely), pl.Int64, gaps)
    real = cast(table.drop(whole.columns), pl.Float64, gaps)
    long = real.select(name for name in real.columns if not gaps[name])
    long = long.select(c for c in long if c.abs().max() >= LARGEST_INT64)
    whole.hstack(cast(table.select(long.columns), pl.Int128, gaps), in_place=True)
    real = real.drop(whole.columns, strict=False).fill_nan(None)
    return table.with_columns(*whole, *real)


def cast(table, kind, gaps):
    """Return those columns that can become of a kind without a gap more."""
    result = table.select(pl.all().cast(kind, strict=False))
    return result.select(c for c in result if c.null_count() == gaps[c.name])


def doubles(table, name):
    """Return a column of numbers as an array of doubles, gaps as NaN."""
    column = table[name]
    if column.dtype == pl.String:
        raise Unusable(
            gettext_noop("The column {name} holds text instead of numbers."), name=name
        )
    return column.cast(pl.Float64).to_numpy()


def seconds(column):
    """Return `current_time` as an array of doubles, seconds since 1970.

    Raises Unusable for a cell that is no `YYYY-MM-DD HH:MM:SS.f`.
    """
    # Dozens of rows share a second: all but the fraction is read once for them.
    runs = column.str.slice(0, TO_FRACTION).rle().struct.unnest()
    digits = column.str.slice(TO_FRACTION)
    fraction = digits.cast(pl.UInt32, strict=False)
    length = digits.str.len_bytes()
    fits = (length <= 6) & fraction.is_not_null()
    fits &= ~digits.str.contains("+", literal=True)
    if not (all_of(fits) and all_of(runs["value"].str.contains(TO_FRACTION_FORM))):
        raise wrong_time(column)
    try:
        whole = runs["value"].str.head(-1).to_numpy().astype("datetime64[us]")
    except ValueError as error:  # a thirtieth of February
        raise wrong_time(column) from error
    micros = fraction.to_numpy() * POWERS_OF_TEN[6 - length.to_numpy()]
    micros += np.repeat(whole.astype(np.int64), runs["len"])
    return micros / 1_000_000


def all_of(flags):
    return flags.fill_null(False).all()


def wrong_time(column):
    """Return the Unusable that names the first cell which is no time."""
    number, text = next(
        (number, text or "")
        for number, text in enumerate(column, 1)
        if not is_time(text or "")
    )
    return Unusable(
        gettext_noop(
            "current_time in row {number} is no YYYY-MM-DD HH:MM:SS.fff: {value}"
        ),
        number=number,
        value=text[:40],
    )


def is_time(text):
    if not re.fullmatch(TO_FRACTION_FORM.rstrip("$") + "[0-9]{1,6}", text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def events(state, times):
    """Return rows, words and seconds of the events, in the order of the rows.

    State falls: a Fail; it rises: a Success. Seconds are counted from the last Fail,
    or from the start; a Success does not restart them.
    """
    before, after = state[:-1], state[1:]
    fell = np.flatnonzero(after < before) + 1
    rows = np.flatnonzero((after < before) | (after > before)) + 1
    last_fail = np.concatenate([[0], fell])[np.searchsorted(fell, rows)]
    words = np.where(state[rows] < state[rows - 1], "Fail", "Success").tolist()
    return rows, words, (times[rows] - times[last_fail]).tolist()


def positions(column):
    """Return the columns Position_A and Scaled_Position_A of texts `(x, y, z)`.

    A cell of another form gives gaps. Raises Unusable when no cell is of this form.
    """
    framed = column.str.starts_with("(") & column.str.ends_with(")")
    parts = column.str.strip_chars("()").str.splitn(", ", 3).struct.unnest()
    parts.columns = [f"Position_{axis}" for axis in AXES]
    parts = parts.with_columns(pl.all().cast(pl.Float64, strict=False))
    finite = parts.select(pl.all_horizontal(pl.all().is_finite())).to_series()
    readable = framed & finite.fill_null(False)
    if not readable.any():
        raise Unusable(gettext_noop("No Position can be read as (x, y, z)."))
    parts = parts.with_columns(
        pl.when(readable).then(pl.all()).otherwise(None).name.keep()
    )
    scaled = []
    for column in parts:
        low, high = column.min(), column.max()
        # In this arithmetic and no other do the last bits agree with older files.
        scale = 1 / (high - low) if high - low >= STILL else 1.0
        scaled.append(
            (column * scale + (0 - low * scale)).alias(f"Scaled_{column.name}")
        )
    return [*parts, *scaled]


def sparse(name, size, rows, texts):
    """Return a column of texts that is empty but in the rows given."""
    slots = np.zeros(size, np.int64)
    slots[rows] = np.arange(1, len(rows) + 1)
    return pl.Series(name, [None, *texts], pl.String).gather(slots)


def write(table):
    """Return the table as CSV, its columns in the order of code points."""
    names = sorted(table.columns)
    result = io.StringIO()
    csv.writer(result, lineterminator="\n").writerow(names)
    buffer = io.BytesIO()
    buffer.write(result.getvalue().encode())
    as_repr(table.select(names)).write_csv(buffer, include_header=False)
    return buffer.getvalue()


def as_repr(table):
    """Return the table such that its doubles are written as by repr().

    Polars agrees with repr() but on small numbers, 0.00001 for 1e-05; only a column
    that has some becomes text.
    """
    reals = pl.col(pl.Float64)
    small = table.select((reals.abs() < SMALLEST_PLAIN) & (reals != 0))
    small = small.select(column for column in small if column.any())
    texts = table.select(pl.col(small.columns).cast(pl.String))
    for column in small:
        rows = column.arg_true()
        exact = [repr(value) for value in table[column.name].gather(rows)]
        texts = texts.with_columns(texts[column.name].scatter(rows, exact))
    return table.with_columns(texts)
