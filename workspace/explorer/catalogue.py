"""The tables and columns that the explorer's role can read, as PostgreSQL tells."""

from contextlib import closing
from typing import NamedTuple

from config.errors import NotFound
from workspace.explorer.reading import connect

SAMPLE_ROWS = 100

# information_schema shows a role only what it has a right to.
COLUMNS = """
SELECT table_name, quote_ident(table_name), column_name, quote_ident(column_name),
  data_type, is_nullable = 'YES', column_default
FROM information_schema.columns
WHERE table_schema = 'public' AND (%(name)s::text IS NULL OR table_name = %(name)s)
ORDER BY table_name, ordinal_position
"""


class Column(NamedTuple):
    name: str
    in_sql: str  # quoted where it must be
    type: str
    nullable: bool
    default: str | None


class Table(NamedTuple):
    name: str
    in_sql: str
    columns: list


def tables():
    """Return all tables that can be read, by name."""
    return list(_read(None).values())


def table(name):
    """Return a table; raise NotFound where nothing of it can be read."""
    found = _read(name)
    if name not in found:
        raise NotFound
    return found[name]


def _read(name):
    found = {}
    with closing(connect("explorer catalogue")) as connection:
        for table, in_sql, *column, nullable, default in connection.execute(
            COLUMNS, {"name": name}
        ):
            entry = found.setdefault(table, Table(table, in_sql, []))
            entry.columns.append(Column(*column, nullable == "t", default))
    return found


def sample(name):
    """Return SQL for the first rows of a table; raise NotFound for an unknown one."""
    wanted = table(name)
    columns = ", ".join(column.in_sql for column in wanted.columns)
    return f"SELECT {columns}\nFROM {wanted.in_sql}\nLIMIT {SAMPLE_ROWS}"
