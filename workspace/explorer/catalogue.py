"""The tables and columns that the explorer's role can read, as PostgreSQL tells."""

from contextlib import closing
from typing import NamedTuple

from psycopg import sql

from config.errors import NotFound
from workspace.explorer.reading import connect

SAMPLE_ROWS = 100

# information_schema shows a role only what it has a right to.
COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable = 'YES', column_default
FROM information_schema.columns
WHERE table_schema = 'public' AND (%(table)s::text IS NULL OR table_name = %(table)s)
ORDER BY table_name, ordinal_position
"""


class Column(NamedTuple):
    name: str
    type: str
    nullable: bool
    default: str | None


def tables():
    """Return {table: [Column]} of all that can be read."""
    return _read(None)


def columns(table):
    """Return the columns of a table; raise NotFound where none can be read."""
    found = _read(table)
    if table not in found:
        raise NotFound
    return found[table]


def _read(table):
    found = {}
    with closing(connect("explorer catalogue")) as connection:
        for name, column, type, nullable, default in connection.execute(
            COLUMNS, {"table": table}
        ):
            columns = found.setdefault(name, [])
            columns.append(Column(column, type, nullable == "t", default))
    return found


def sample(table):
    """Return SQL for the first rows of a table; raise NotFound for an unknown one."""
    names = [sql.Identifier(column.name) for column in columns(table)]
    statement = sql.SQL("SELECT {}\nFROM {}\nLIMIT {}").format(
        sql.SQL(", ").join(names), sql.Identifier(table), sql.Literal(SAMPLE_ROWS)
    )
    return statement.as_string()
