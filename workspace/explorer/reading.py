"""Read with one statement, as the role that can do nothing else.

Each statement has a connection of its own and a read-only transaction that is rolled
back. It goes over PostgreSQL's extended protocol, which takes a single one: there is no
second statement that could lift the limits of the first. Values stay as PostgreSQL
writes them, so dates before Christ and numbers of any length are no trouble.
"""

import logging
import re
import time
from contextlib import closing, contextmanager
from itertools import islice
from typing import NamedTuple

import psycopg
from django.db import connections
from django.utils.translation import gettext as _
from psycopg import errors
from psycopg.adapt import AdaptersMap
from psycopg.types.string import TextLoader

from config.errors import DomainError, Unavailable

log = logging.getLogger(__name__)

QUERY_SECONDS = 10
CONNECT_SECONDS = 5
CANCEL_SECONDS = 5
PATIENCE_SECONDS = 0.5
BATCH_ROWS = 2000
BATCH_CHARACTERS = 4_000_000

DECLARE = "DECLARE reading NO SCROLL CURSOR FOR "
READ_BY_CURSOR = {"select", "with", "values", "table"}
READ_DIRECTLY = {"explain", "show"}
# What may stand before it: comments, and the brackets of (SELECT …) UNION (SELECT …).
# Without second thoughts (?>…), or a long row of comments would take for ever.
FIRST_WORD = re.compile(
    r"(?>(?:[\s(]|--[^\n]*\n|/\*.*?\*/)*)([a-z]+)", re.IGNORECASE | re.DOTALL
)

KINDS = {
    **dict.fromkeys((20, 21, 23, 26, 700, 701, 1700), "number"),
    16: "boolean",
    **dict.fromkeys((114, 3802), "json"),
}

# A role that may do more than read is an accident of configuration: nothing runs.
MAY_DO_MORE = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
  OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
  OR has_column_privilege('workspace_user', 'password', 'SELECT')
FROM pg_roles r WHERE rolname = current_user
"""


class NotReading(DomainError):
    """Only what reads runs here: SELECT, WITH, VALUES, TABLE, EXPLAIN and SHOW."""

    status = 422
    code = "not_reading"


class Failed(DomainError):
    """The database refused the statement."""

    status = 422
    code = "sql_error"

    def __init__(self, text, position=None):
        super().__init__(text)
        self.position = position  # of the letter that is wrong, from 1


class TookTooLong(DomainError):
    """The statement took longer than 10 seconds and was ended; ask for less."""

    status = 422
    code = "took_too_long"


class Cancelled(DomainError):
    """The statement was cancelled."""

    status = 409
    code = "cancelled"


class RoleMissing(Unavailable):
    """The explorer cannot reach the database with its role; the log tells why."""

    code = "explorer_unavailable"


class RoleTooStrong(Unavailable):
    """The explorer's database role may do more than read; docs/workspace.md helps."""

    code = "explorer_unsafe"


def _as_text():
    adapters = AdaptersMap(psycopg.adapters)
    for info in psycopg.adapters.types:
        for oid in filter(None, (info.oid, info.array_oid)):
            adapters.register_loader(oid, TextLoader)
    return adapters


AS_TEXT = _as_text()


def connect(name):
    """Return a connection as the explorer's role, known to PostgreSQL by a name."""
    parameters = connections["explorer"].get_connection_params()
    for ours in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(ours, None)
    parameters |= {"application_name": name, "connect_timeout": CONNECT_SECONDS}
    try:
        return psycopg.connect(**parameters, context=AS_TEXT, autocommit=True)
    except psycopg.OperationalError as error:
        log.error("The SQL explorer cannot connect: %s", error)
        raise RoleMissing from error


class Column(NamedTuple):
    name: str
    kind: str  # number, boolean, json or text


class Reading:
    """What one statement reads: `columns`, and by iteration rows of texts and None.

    `start()` runs the statement as far as its first row. Both it and the iteration
    raise the DomainErrors above. No part of it takes longer than QUERY_SECONDS, and
    all of it together no longer than `seconds`; it ends after `limit` rows.
    """

    def __init__(self, name, sql, *, seconds, limit):
        self.sql, self.left = sql, limit
        self.word = first_word(sql)
        if self.word not in READ_BY_CURSOR | READ_DIRECTLY:
            raise NotReading
        self.deadline = self.limit = time.monotonic() + seconds
        self.connection = connect(name)
        self.cursor = self.connection.cursor()
        self.columns = []
        self.rows = iter(())

    def start(self):
        with self._telling():
            self.cursor.execute(MAY_DO_MORE)
            if self.cursor.fetchone() != ("f",):
                raise RoleTooStrong
            self.cursor.execute("BEGIN READ ONLY")
            by_cursor = self.word in READ_BY_CURSOR
            self.rows = self._by_cursor() if by_cursor else self._directly()
            next(self.rows)  # as far as the columns

    def __iter__(self):
        with self._telling():
            yield from self.rows

    def cancel(self):
        """End the part that runs, from another thread; between two it has no effect."""
        self.connection.cancel_safe(timeout=CONNECT_SECONDS)

    def close(self):
        """Roll the transaction back."""
        self.connection.close()

    def _by_cursor(self):
        self._set_limit()
        self.cursor.execute(DECLARE + self.sql, prepare=True)
        self.cursor.execute("FETCH FORWARD 0 FROM reading")
        self._note_columns()
        yield
        batch = 1
        while batch:
            self._set_limit()
            count = size = 0
            # Row by row: few large ones are enough to fill the memory.
            fetch = f"FETCH FORWARD {batch} FROM reading"
            for row in self.cursor.stream(fetch):
                count += 1
                size += size_of(row)
                yield row
            self.left -= count
            batch = 0 if count < batch else self._next_batch(batch, size)

    def _next_batch(self, batch, size):
        """Return how many rows to fetch after so many of that size, by and by more.

        PostgreSQL puts all rows of a fetch aside before it sends the first.
        """
        fitting = max(1, BATCH_CHARACTERS * batch // max(1, size))
        return min(batch * 8, fitting, BATCH_ROWS, self.left)

    def _directly(self):
        self._set_limit()
        rows = self.cursor.stream(self.sql)
        first = next(rows)  # EXPLAIN and SHOW always have one
        self._note_columns()
        yield
        yield first
        yield from islice(rows, self.left - 1)

    def _note_columns(self):
        self.columns = [
            Column(column.name, KINDS.get(column.type_code, "text"))
            for column in self.cursor.description
        ]

    def _set_limit(self):
        """Give the next part its time; before each one: SQL can change settings."""
        left = min(QUERY_SECONDS, self.deadline - time.monotonic())
        self.limit = time.monotonic() + left
        if left <= 0:
            raise TookTooLong
        self.cursor.execute(f"SET LOCAL statement_timeout = {int(left * 1000) + 1}")

    @contextmanager
    def _telling(self):
        """Turn PostgreSQL's errors into ours."""
        try:
            yield
        except errors.QueryCanceled as error:
            over = time.monotonic() >= self.limit
            raise (TookTooLong if over else Cancelled) from error
        except errors.AdminShutdown as error:
            raise Cancelled from error
        except psycopg.Error as error:
            raise self._told(error) from error

    def _told(self, error):
        told = error.diag
        if told.message_primary is None:
            log.warning("A statement of the SQL explorer was lost: %s", error)
            return RoleMissing(_("The connection to the database was lost."))
        lines = [told.message_primary, told.message_detail, told.message_hint]
        if isinstance(error, errors.InsufficientPrivilege):
            lines.append(_("What is hidden cannot be read; name the columns you want."))
        position = int(told.statement_position or 0)
        if self.word in READ_BY_CURSOR:
            position -= len(DECLARE)
        return Failed(
            "\n".join(filter(None, lines)), position if position > 0 else None
        )


def size_of(row):
    """Return the letters of a row."""
    return sum(len(cell) for cell in row if cell)


def first_word(sql):
    """Return the word that a statement begins with, in small letters."""
    found = FIRST_WORD.match(sql)
    return found[1].lower() if found else ""


def cancel(name):
    """End what runs under a name, in whatever process; tell whether it is gone.

    Asked again and again: a request between two parts of a statement has no effect.
    What does not heed it for PATIENCE_SECONDS, waiting for a slow reader perhaps, has
    its connection ended.
    """
    started = time.monotonic()
    with closing(connect("explorer cancels")) as connection:
        while (passed := time.monotonic() - started) < CANCEL_SECONDS:
            end = "cancel" if passed < PATIENCE_SECONDS else "terminate"
            ask = (
                f"SELECT pg_{end}_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = %s AND usename = current_user"
            )
            if not connection.execute(ask, [name]).fetchall():
                return True
            time.sleep(0.02)
    return False
