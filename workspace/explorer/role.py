"""The PostgreSQL role that the explorer reads with: it can SELECT, and nothing else.

It is made, and told what it may read, after every migrate. So new tables can be read
at once, and what is to be hidden cannot be read at all, by whatever query.
"""

import logging
from collections import defaultdict
from contextlib import suppress
from typing import NamedTuple

from django.db import ProgrammingError, connections, transaction
from psycopg import sql

from workspace.explorer.hiding import is_hidden

log = logging.getLogger(__name__)

SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "10s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "60s",
}
SUPERUSERS_SETTINGS = {"temp_file_limit": "1GB"}  # only they may set these
CONNECTIONS = 32  # of the database's; the other apps keep theirs
LOCK = 0x5153454C  # taken by who changes the role; two may migrate at once

# What PUBLIC may call and nobody needs who reads: they write, lock out others, or lift
# the limits of the present session.
FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE pronamespace = 'pg_catalog'::regnamespace
  AND proname ~ '^(lo_|lowrite|set_config|pg_(try_)?advisory_|pg_(notify|logical_emit))'
  AND has_function_privilege(%s, p.oid, 'EXECUTE')
"""

# Only what the present user owns: nobody can grant what belongs to somebody else.
COLUMNS = """
SELECT t.relname, c.attname, has_column_privilege(r.oid, t.oid, c.attnum, 'SELECT'),
  has_table_privilege(r.oid, t.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES')
FROM pg_roles r, pg_class t
JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
WHERE r.rolname = %s AND t.relnamespace = 'public'::regnamespace
  AND t.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_has_role(t.relowner, 'USAGE')
ORDER BY t.relname, c.attnum
"""


def prepare(using="default"):
    """Make the explorer's role where it is missing, and let it read what it may.

    Where the owner of the database may not make roles, whoever may does it once (see
    docs/workspace.md), and the next migrate grants.
    """
    alias = connections["explorer"].settings_dict
    name, password = alias["USER"], alias["PASSWORD"]
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        if not _exists(cursor, name):
            if not _may_make_roles(cursor):
                log.warning("The SQL explorer waits for a role named %s.", name)
                return
            _make(cursor, name)
        if password:
            _set_password(cursor, name, password)
        _close_what_is_open_to_all(cursor, name)
        _grant(cursor, name)
        for table, columns in _readable_though_hidden(cursor, name).items():
            log.error("%s can read %s of %s.", name, ", ".join(columns), table)


def _exists(cursor, name):
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    return cursor.fetchone() is not None


def _may_make_roles(cursor):
    cursor.execute(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    return cursor.fetchone()[0]


def _is_superuser(cursor):
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return cursor.fetchone()[0]


def _make(cursor, name):
    role = sql.Identifier(name)
    make = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT CONNECTION LIMIT {}")
    cursor.execute(make.format(role, sql.Literal(CONNECTIONS)))
    settings = SETTINGS | (SUPERUSERS_SETTINGS if _is_superuser(cursor) else {})
    for setting, value in settings.items():
        keep = sql.SQL("ALTER ROLE {} SET {} = {}")
        cursor.execute(keep.format(role, sql.Identifier(setting), sql.Literal(value)))


def _set_password(cursor, name, password):
    """Make the role's password the configured one; leave it where we may not."""
    # Hashed here: the server may log statements.
    hashed = cursor.connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    )
    change = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
        sql.Identifier(name), sql.Literal(hashed.decode())
    )
    with suppress(ProgrammingError), transaction.atomic(using=cursor.db.alias):
        cursor.execute(change)


def _close_what_is_open_to_all(cursor, name):
    """Take from PUBLIC the rights to make tables, temporary ones too.

    A superuser needs no such rights, and takes those to some functions with them.
    """
    cursor.execute(
        "SELECT current_database(),"
        " has_database_privilege(%(role)s, current_database(), 'TEMPORARY'),"
        " has_schema_privilege(%(role)s, 'public', 'CREATE'),"
        " has_schema_privilege(%(role)s, 'public', 'USAGE')",
        {"role": name},
    )
    database, temporary, create, usage = cursor.fetchone()
    if temporary:
        revoke = sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC")
        cursor.execute(revoke.format(sql.Identifier(database)))
    if create:
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    if not usage:
        grant = sql.SQL("GRANT USAGE ON SCHEMA public TO {}")
        cursor.execute(grant.format(sql.Identifier(name)))
    if _is_superuser(cursor):
        cursor.execute(FUNCTIONS, [name])
        for (function,) in cursor.fetchall():
            cursor.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")


def _grant(cursor, name):
    role = sql.Identifier(name)
    for table, columns in _columns(cursor, name).items():
        shown = [c.name for c in columns if not is_hidden(table, c.name)]
        readable = [c.name for c in columns if c.can_read]
        if readable == shown and not columns[0].can_write:
            continue
        target = sql.Identifier("public", table)
        cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(target, role))
        if len(shown) == len(columns):
            cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(target, role))
        elif shown:
            names = sql.SQL(", ").join(map(sql.Identifier, shown))
            grant = sql.SQL("GRANT SELECT ({}) ON {} TO {}")
            cursor.execute(grant.format(names, target, role))


def _readable_though_hidden(cursor, name):
    """Return what other grants than ours leave open, names of columns by table."""
    open_columns = {
        table: [c.name for c in columns if c.can_read and is_hidden(table, c.name)]
        for table, columns in _columns(cursor, name).items()
    }
    return {table: names for table, names in open_columns.items() if names}


class Column(NamedTuple):
    name: str
    can_read: bool
    can_write: bool


def _columns(cursor, name):
    """Return each table's columns, and what the role may do with them."""
    tables = defaultdict(list)
    cursor.execute(COLUMNS, [name])
    for table, *column in cursor.fetchall():
        tables[table].append(Column(*column))
    return tables
