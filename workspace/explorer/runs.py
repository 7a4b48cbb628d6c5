"""Run statements of people: some at once, every one of them in the log.

The answer to a run is streamed as lines of JSON: first the run's number, by which it
can be cancelled, then an empty line now and then, at last the outcome. So a client that
goes away is noticed while the database still works, and its statement is ended.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from config.errors import DomainError, TooMany
from workspace.explorer import reading
from workspace.explorer.reading import Reading, size_of
from workspace.models import QueryRun

PAGE_ROWS = 1000
PAGE_CHARACTERS = 8_000_000  # shown
READ_CHARACTERS = 64_000_000  # fetched; of a long cell only the beginning is shown
CELL_CHARACTERS = 20_000
HEARTBEAT_SECONDS = 0.25
AT_ONCE = 8  # in each process; the role's connections are for all of them
BUSY_SECONDS = 2

_places = threading.BoundedSemaphore(AT_ONCE)
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="explorer")


class Busy(TooMany):
    """Too many statements are running; wait until one of them ends."""

    code = "explorer_busy"

    def __init__(self):
        super().__init__(retry_after=BUSY_SECONDS)


class Page(NamedTuple):
    """The first rows of what a statement reads; `more` tells that there are others."""

    columns: list
    rows: list
    more: bool


def name_of(run):
    """Return the name of a run's connection."""
    return f"explorer run {run.pk}"


def cancel(run):
    """End a run in whatever process; tell whether nothing of it is left."""
    return reading.cancel(name_of(run))


class Run:
    """A statement under way, with its entry in the log and its place among a few.

    Raises NotReading, Busy, and RoleMissing where the database is away.
    """

    def __init__(self, *, user, sql, query=None, purpose, seconds, limit):
        self.started = time.monotonic()
        self.entry = QueryRun.objects.create(
            sql=sql, query=query, run_by_user=user, purpose=purpose, success=False
        )
        self.rows = 0
        self.reading = None
        self.over = False
        if not _places.acquire(blocking=False):
            self.entry.end(seconds=0, rows=0, error=Busy().text)
            raise Busy
        try:
            self.reading = Reading(
                name_of(self.entry), sql, seconds=seconds, limit=limit
            )
        except DomainError as error:
            self.end(error.text)
            raise

    def end(self, error=""):
        """Give everything back, and note how it ended; the first time."""
        if self.over:
            return
        self.over = True
        if self.reading is not None:
            self.reading.close()
        _places.release()
        self.entry.end(
            seconds=time.monotonic() - self.started, rows=self.rows, error=error
        )


class PageRun(Run):
    """The answer to a run: an iterable of lines, to be closed."""

    def __init__(self, **who_and_what):
        super().__init__(
            **who_and_what,
            purpose=QueryRun.Purpose.PAGE,
            seconds=reading.QUERY_SECONDS,
            limit=PAGE_ROWS + 1,
        )
        self.page = _threads.submit(read_page, self.reading)

    def __iter__(self):
        yield _line(run=self.entry.pk)
        while not self._is_done(HEARTBEAT_SECONDS):
            yield b"\n"
        yield self._outcome()

    def close(self):
        """End the statement if it still runs: nobody waits for it any more."""
        while not self._is_done(0):
            self.reading.cancel()
            self._is_done(HEARTBEAT_SECONDS)
        self._outcome()

    def _is_done(self, seconds):
        try:
            self.page.exception(seconds)
        except TimeoutError:
            return False
        return True

    def _outcome(self):
        """Return the last line, and end the run the first time."""
        try:
            page = self.page.result()
        except DomainError as error:
            self.end(error.text)
            told = {"detail": error.text, "code": error.code}
            return _line(error=told | {"position": getattr(error, "position", None)})
        except Exception:
            self.end("Internal error")
            raise
        self.rows = len(page.rows)
        self.end()
        return _line(
            columns=[column._asdict() for column in page.columns],
            rows=page.rows,
            more=page.more,
            seconds=round(time.monotonic() - self.started, 3),
        )


def read_page(reading):
    """Return the Page of a Reading: what fits into rows, characters and cells."""
    reading.start()
    rows, shown, read, more = [], 0, 0, False
    for row in reading:
        if len(rows) == PAGE_ROWS or shown > PAGE_CHARACTERS or read > READ_CHARACTERS:
            more = True
            break
        rows.append([_shortened(cell) for cell in row])
        shown += size_of(rows[-1])
        read += size_of(row)
    return Page(reading.columns, rows, more)


def _shortened(cell):
    if cell is None or len(cell) <= CELL_CHARACTERS:
        return cell
    return cell[:CELL_CHARACTERS] + "…"


def _line(**values):
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"
