"""How long a backup of many rows and its proof take, beside the bare programs.

Run from the project: .venv/bin/python benchmarks/workspace_backup.py
Fills a database of its own with positions of vehicles, as the largest table in service.
The floor is pg_dump and pg_restore alone, which check nothing.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

import psycopg

from config import embedded

GOAL_SECONDS = 300
FILL_ROWS = 1_000_000
FILL = """
INSERT INTO roadblock_position (vehicle_id, x, y, created_at)
SELECT %s, random() * 1000, random() * 1000, now() - n * interval '10 milliseconds'
FROM generate_series(1, %s) n
"""
VEHICLE = """
INSERT INTO roadblock_vehicle
(vehicle_id, vehicle_type, car_name, announced_name, created_at)
VALUES (1, 'police', 'P1', 'P1', now()) RETURNING id
"""


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--gigabytes", type=float, default=1.0)
    wanted = options.parse_args().gigabytes
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as place:
        data = Path(place)
        environ = {
            **os.environ,
            "DATA_DIR": place,
            "WORKSPACE_BACKUP_DIR": str(data / "dbBackup"),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "HMAC_SECRET_KEY": "benchmark-key",
        }
        embedded.hold(data)
        try:
            manage(environ, "migrate", "--verbosity=0")
            rows, size = fill(data, wanted * 1e9)
            print(f"{rows:,} rows, {size / 1e9:.2f} GB of tables", flush=True)
            backup = timed(lambda: manage(environ, "backup"))
            print(f"backup                          {backup:6.1f} s", flush=True)
            proof = timed(lambda: manage(environ, "backup", "--prove"))
            print(f"proof                           {proof:6.1f} s", flush=True)
            floor = timed(lambda: bare(data))
            print(f"pg_dump and pg_restore alone    {floor:6.1f} s")
            total = backup + proof
            print(
                f"backup and proof                {total:6.1f} s, "
                f"{total / floor:.2f} times the programs alone (goal {GOAL_SECONDS} s)"
            )
        finally:
            embedded.release()
    return 0 if total < GOAL_SECONDS else 1


def connect(data, name=embedded.POSTGRES_USER):
    socket = embedded.places(data).postgres_socket.parent
    return psycopg.connect(
        host=str(socket), user=embedded.POSTGRES_USER, dbname=name, autocommit=True
    )


def fill(data, wanted):
    with connect(data) as connection:
        (vehicle,) = connection.execute(VEHICLE).fetchone()
        rows = size = 0
        while size < wanted:
            connection.execute(FILL, [vehicle, FILL_ROWS])
            rows += FILL_ROWS
            (size,) = connection.execute(
                "SELECT pg_table_size('roadblock_position')"
            ).fetchone()
    return rows, size


def bare(data):
    """Dump and restore with nothing but PostgreSQL's programs, as a script would."""
    programs = embedded.postgres_bin()
    socket = embedded.places(data).postgres_socket.parent
    where = ["-h", str(socket), "-U", embedded.POSTGRES_USER]
    dump = data / "bare.dump"
    with connect(data) as connection:
        connection.execute("CREATE DATABASE bare TEMPLATE template0")
        run(programs / "pg_dump", *where, "-Fc", "-f", dump, embedded.POSTGRES_USER)
        run(programs / "pg_restore", *where, "-j2", "-d", "bare", dump)
        connection.execute("DROP DATABASE bare")
    dump.unlink()


def manage(environ, *words):
    run(sys.executable, "manage.py", *words, cwd=PROJECT, env=environ)


def run(*words, **options):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **options)


def timed(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
