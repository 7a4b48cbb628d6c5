"""What tables hold, in short: how many rows, and a checksum that no order changes."""

from psycopg import sql

TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname
"""
# A row as text must look the same in every session.
SAME_TEXT = """
SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle =
'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';
SET LOCAL statement_timeout = 0
"""
FINGERPRINT = """
SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM public.{} t
"""


def of_database(connection):
    """Return {table: [rows, checksum]} of a psycopg connection's database, read in one
    transaction."""
    with connection.transaction():
        connection.execute(SAME_TEXT)
        names = [name for (name,) in connection.execute(TABLES)]
        return {
            name: list(
                connection.execute(
                    sql.SQL(FINGERPRINT).format(sql.Identifier(name))
                ).fetchone()
            )
            for name in names
        }


def differences(expected, found):
    """Return a line for each table that is not as expected."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            lines.append(f"{name} is missing")
        elif name not in expected:
            lines.append(f"{name} is too much")
        elif expected[name][0] != found[name][0]:
            lines.append(f"{name} has {found[name][0]} rows, not {expected[name][0]}")
        elif expected[name] != found[name]:
            lines.append(f"{name} has other rows")
    return lines
