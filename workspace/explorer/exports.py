"""All that a statement reads as a file, made while it is sent: CSV, or JSON."""

import json
import sys
from itertools import count, islice

from config import spreadsheets
from config.errors import DomainError
from workspace.explorer.runs import Run

EXPORT_SECONDS = 600
PIECE = 500  # rows


class Export(Run):
    """The file as an iterable of pieces, to be closed.

    Raises what Run and Reading do. What fails after the first row breaks the file off
    with an error, so that half a file never looks like a whole one.
    """

    def __init__(self, *, form, **who_and_what):
        super().__init__(
            **who_and_what, purpose=form, seconds=EXPORT_SECONDS, limit=sys.maxsize
        )
        self.lines = LINES[form]
        try:
            self.reading.start()
        except DomainError as error:
            self.end(error.text)
            raise

    def __iter__(self):
        try:
            lines = self.lines(self.reading.columns, self._counted())
            while piece := "".join(islice(lines, PIECE)):
                yield piece.encode()
        except DomainError as error:
            self.end(error.text)
            raise
        self.end()

    def _counted(self):
        for row in self.reading:
            self.rows += 1
            yield row

    def close(self):
        """Stop reading: nobody takes the file any more."""
        self.end("Cancelled")


def csv_lines(columns, rows):
    yield spreadsheets.BYTE_ORDER_MARK + spreadsheets.line(c.name for c in columns)
    for row in rows:
        yield spreadsheets.line(row)


def json_lines(columns, rows):
    """Yield a list of objects, one a line; numbers keep every digit."""
    names = [json.dumps(name, ensure_ascii=False) for name in distinct(columns)]
    start = "["
    for row in rows:
        cells = zip(names, columns, row, strict=True)
        pairs = [
            f"{name}: {as_json(column.kind, cell)}" for name, column, cell in cells
        ]
        yield f"{start}\n{{{', '.join(pairs)}}}"
        start = ","
    yield "[]\n" if start == "[" else "\n]\n"


def distinct(columns):
    """Return the columns' names, a number added to those that come again."""
    names = []
    for column in columns:
        others = (f"{column.name}_{number}" for number in count(2))
        name = column.name
        while name in names:
            name = next(others)
        names.append(name)
    return names


def as_json(kind, cell):
    """Return a cell in JSON; NaN and Infinity, no numbers there, stay text."""
    if cell is None:
        return "null"
    if kind == "json" or (kind == "number" and spreadsheets.NUMBER.fullmatch(cell)):
        return cell
    if kind == "boolean":
        return "true" if cell == "t" else "false"
    return json.dumps(cell, ensure_ascii=False)


LINES = {"csv": csv_lines, "json": json_lines}
