"""PostgreSQL's own dumps: make one, look into it, restore it.

pg_dump and its like must be of the server's version: an older one cannot read it, and
what a newer one writes an older server refuses. They are found beside the embedded
PostgreSQL, where WORKSPACE_POSTGRES_BIN says, or installed. Where to connect, the
password too, they are told by their environment, which no process list shows.
"""

import os
import re
import secrets
import shutil
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from dbbackup.db.postgresql import PgDumpBinaryConnector
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import sql

from config import embedded
from workspace.backups import fingerprints

APPLICATION = "madang-restore"  # how PostgreSQL knows the connection that restores
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
PLAIN = ["--no-owner", "--no-privileges"]  # roles are the server's, grants our own
DUMPING = re.compile(r'pg_dump: dumping contents of table "public\.(.+)"')
RESTORING = re.compile(r'pg_restore: processing data for table "public\.(.+)"')
# Whatever is there and the dump does not know would be in the way of what it knows.
EMPTY = """
DO $$ DECLARE found record; BEGIN
  FOR found IN
    SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'v' THEN 'VIEW'
      WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY c.relkind NOT IN ('v', 'm')
  LOOP
    EXECUTE format('DROP %s IF EXISTS %s CASCADE', found.kind, found.name);
  END LOOP;
  FOR found IN
    SELECT c.oid::regclass AS name FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
  LOOP
    EXECUTE format('DROP SEQUENCE %s CASCADE', found.name);
  END LOOP;
  FOR found IN
    SELECT p.oid::regprocedure AS name FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  LOOP
    EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', found.name);
  END LOOP;
END $$;
"""


class DumpFailed(Exception):
    """A program of PostgreSQL's failed; the text is what it said."""


@dataclass(frozen=True)
class Contents:
    """What a dump says of itself."""

    server_version: str
    migrations: frozenset  # of (app, name)

    @property
    def server_major(self):
        return int(self.server_version.partition(".")[0])


# Programs


def parameters(name=None):
    """Return what libpq needs to connect to our database, or to another beside it."""
    params = connections[DEFAULT_DB_ALIAS].get_connection_params()
    known = {key: str(params[key]) for key in VARIABLES if params.get(key)}
    return {**known, "dbname": name} if name else known


def connect(name=None, **options):
    """Return a psycopg connection of our own, outside of Django's."""
    return psycopg.connect(**parameters(name), **options)


def environment(name=None):
    """Return the environment in which programs of PostgreSQL find the database."""
    bare = {key: value for key, value in os.environ.items() if key[:2] != "PG"}
    told = {VARIABLES[key]: value for key, value in parameters(name).items()}
    return {**bare, **told, "PGAPPNAME": APPLICATION}


def server_major():
    with connect() as connection:
        return connection.info.server_version // 10_000


def program(name):
    """Return the path of a program that fits the server; raise DumpFailed."""
    major = server_major()
    installed = shutil.which(name)
    places = [
        settings.WORKSPACE_POSTGRES_BIN,
        embedded.postgres_bin(),
        f"/usr/lib/postgresql/{major}/bin",
        f"/usr/pgsql-{major}/bin",
        installed and Path(installed).parent,
    ]
    for place in filter(None, places):
        path = Path(place) / name
        if path.is_file() and _major_of(path) == major:
            return str(path)
    raise DumpFailed(
        f"No {name} of PostgreSQL {major} was found: install its client programs "
        f"(Debian: postgresql-client-{major}), or name their folder in "
        "WORKSPACE_POSTGRES_BIN."
    )


def _major_of(path):
    shown = subprocess.run([path, "--version"], capture_output=True, text=True)
    found = re.search(r"(\d+)[.\d]*\s*$", shown.stdout)
    return int(found[1]) if found else None


class Connector(PgDumpBinaryConnector):
    """django-dbbackup's own commands, with our programs and without our password."""

    def __init__(self, database_name=None, **kwargs):
        super().__init__(database_name, **kwargs)
        self.dump_cmd, self.restore_cmd = program("pg_dump"), program("pg_restore")


# Make one


def make(path, progress):
    """Dump the database into a file; return its server's version and fingerprint.

    Both are of the same moment, whatever is written meanwhile. Raises DumpFailed.
    """
    with connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone()
            sizes = _sizes(connection)
            command = [
                program("pg_dump"),
                *("--format=custom", "--compress=gzip:1", "--verbose"),
                *(*PLAIN, f"--snapshot={snapshot}", f"--file={path}"),
            ]
            with _running(command, Watcher(DUMPING, sizes, progress)):
                tables = fingerprints.of_database(connection)
        return {"server_version": _version(connection), "tables": tables}


def _version(connection):
    major, minor = divmod(connection.info.server_version, 10_000)
    return f"{major}.{minor}"


def _sizes(connection):
    return dict(
        connection.execute(
            "SELECT relname, pg_table_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    )


class Watcher:
    """Reads what a program says, and makes progress of it."""

    def __init__(self, pattern, sizes, progress):
        self.pattern, self.sizes, self.progress = pattern, sizes, progress
        self.total = sum(sizes.values()) or 1
        self.done, self.table = 0, None
        self.said = []

    def read(self, stream):
        for line in stream:
            if found := self.pattern.search(line):
                self.done += self.sizes.get(self.table, 0)
                self.table = found[1]
                self.progress(self.done, self.total, self.table)
            self.said = [*self.said[-5:], line.strip()]
        stream.close()


@contextmanager
def _running(command, watcher, **options):
    """Run a program beside the block; raise DumpFailed unless it ends well."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment(),
        **options,
    )
    thread = threading.Thread(target=watcher.read, args=[process.stderr], daemon=True)
    thread.start()
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        thread.join()
    if process.returncode:
        raise DumpFailed(f"{Path(command[0]).name}: {' '.join(watcher.said)}")


# Look into one


def contents(path):
    """Return the Contents of a dump; raise DumpFailed for what is none."""
    listed = _output([program("pg_restore"), "--list", path])
    version = re.search(r"Dumped from database version: ([\d.]+)", listed)
    rows = ""
    if "django_migrations" in listed:
        only = ["--data-only", "--table=django_migrations", "--file=-"]
        rows = _output([program("pg_restore"), *only, path])
    applied = re.findall(r"^\d+\t(\w+)\t(\w+)\t\d", rows, re.MULTILINE)
    return Contents(version[1] if version else "0", frozenset(applied))


def _output(command):
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if ran.returncode:
        raise DumpFailed(ran.stderr.strip())
    return ran.stdout


# Restore one


@contextmanager
def scratch_database():
    """Yield the name of an empty database of the server, which goes with the block."""
    ours = parameters()["dbname"]
    name = f"{ours}_proof_{secrets.token_hex(4)}"
    with connect(autocommit=True) as connection:
        left = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s",
            [ours.replace("_", r"\_") + r"\_proof\_%"],
        )
        for (leftover,) in left.fetchall():  # of a proof that was killed
            _drop(connection, leftover)
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0")
        connection.execute(create.format(sql.Identifier(name)))
        try:
            yield name
        finally:
            _drop(connection, name)


def _drop(connection, name):
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    connection.execute(drop.format(sql.Identifier(name)))


def restore_into(name, path, tables, progress):
    """Restore a dump into an empty database; `tables` is its fingerprint, if known."""
    sizes = {table: rows + 1 for table, (rows, _sum) in tables.items()}
    command = [
        program("pg_restore"),
        *("--exit-on-error", "--verbose", "--jobs=2", *PLAIN, f"--dbname={name}"),
        path,
    ]
    with _running(command, Watcher(RESTORING, sizes, progress)):
        pass


def replace_all(path, tables, progress):
    """Replace what the database holds by a dump, in one transaction.

    When anything goes wrong, DumpFailed is raised and the database is as before.
    """
    sizes = {table: rows + 1 for table, (rows, _sum) in tables.items()}
    command = [
        program("pg_restore"),
        *("--clean", "--if-exists", "--verbose", "--file=-", *PLAIN),
        path,
    ]
    target = subprocess.Popen(
        [program("psql"), *("-X", "-q", "-v", "ON_ERROR_STOP=1", "--file=-")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    said = []
    reader = threading.Thread(target=lambda: said.append(target.stderr.read()))
    reader.start()
    try:
        target.stdin.write(b"BEGIN;\n" + EMPTY.encode())
        watcher = Watcher(RESTORING, sizes, progress)
        with _running(command, watcher, stdout=subprocess.PIPE) as source:
            shutil.copyfileobj(source.stdout.buffer, target.stdin, 1 << 20)
        # Only now: whatever stops before leaves the transaction open, and undone.
        target.stdin.write(b"\nCOMMIT;\n")
        target.stdin.close()
    except BrokenPipeError:
        pass  # psql has stopped, and tells why
    finally:
        if target.poll() is None and not target.stdin.closed:
            target.kill()
        target.wait()
        reader.join()
    if target.returncode:
        raise DumpFailed(f"psql: {said[0].decode(errors='replace').strip()}")
