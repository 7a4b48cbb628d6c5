"""A PostgreSQL that tests may stop: a cluster of its own, with nobody to restart it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import redis
from django.conf import settings

from config.embedded import POSTGRES_USER, places, postgres_bin
from config.keeper import Keeper

PATIENCE = 60
EMAIL, PASSWORD = "boss@example.com", "correct horse battery"


class Cluster:
    """A PostgreSQL below a directory; its processes run while it is started."""

    def __init__(self, data):
        self.where = places(data)
        self.where.data.mkdir(parents=True, exist_ok=True)
        self.keeper = Keeper(self.where, postgres=True, valkey=False, durable=False)
        self.keeper.make_directories()
        self.keeper.make_cluster()
        self.process = None

    def conninfo(self, name=POSTGRES_USER):
        host = self.where.postgres_socket.parent
        return f"host={host} user={POSTGRES_USER} dbname={name}"

    def url(self, name=POSTGRES_USER):
        host = quote(str(self.where.postgres_socket.parent), safe="")
        return f"postgres://{POSTGRES_USER}@/{name}?host={host}"

    def start(self):
        self.process = self.keeper.start(self.keeper.postgres_command())
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, self.where.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def answers(self):
        try:
            psycopg.connect(self.conninfo()).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how=signal.SIGINT):
        """Stop it fast; SIGQUIT is as if it crashed."""
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def query(self, sql, *values):
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else None


@contextmanager
def running(prefix="madang-test-"):
    """Yield a Cluster that answers, in a directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix=prefix) as data:
        cluster = Cluster(Path(data))
        cluster.start()
        try:
            yield cluster
        finally:
            if cluster.process.poll() is None:
                cluster.stop()


def environment(cluster, **variables):
    """Return the environment of processes that use the cluster, and a Valkey database
    beside that of the other tests."""
    return {
        **os.environ,
        "DATA_DIR": str(cluster.where.data),
        "DATABASE_URL": cluster.url(),
        "REDIS_URL": f"{settings.REDIS_URL}?db=3",
        "WORKSPACE_BACKUP_DIR": str(cluster.where.data / "dbBackup"),
        **variables,
    }


def run_program(cluster, name, *words):
    """Run a program of PostgreSQL on the cluster's database."""
    words = [postgres_bin() / name, f"--dbname={cluster.conninfo()}", *words]
    subprocess.run(words, check=True, capture_output=True)


def manage(environ, *words, check=True, **options):
    """Run a command of manage.py to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=environ,
        check=check,
        capture_output=True,
        text=True,
        timeout=250,
        **options,
    )


@contextmanager
def desk(environ):
    """Yield a function as manage() that pays for loading Django once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.desk"],
        cwd=settings.BASE_DIR,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(*words):
        process.stdin.write(json.dumps(words) + "\n")
        process.stdin.flush()
        code, output, errors = json.loads(process.stdout.readline())
        return subprocess.CompletedProcess(words, code, output, errors)

    yield run
    process.stdin.close()
    process.wait(PATIENCE)


class Server:
    """A process of the web server; what it says goes to `log`."""

    def __init__(self, process, port, log):
        self.process, self.port, self.log_file = process, port, log
        self.url = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"

    def log(self):
        return self.log_file.read_text()


@contextmanager
def served(environ, log):
    """Yield a Server that answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.web"],
            cwd=settings.BASE_DIR,
            env={
                "DATABASE_POOL_SIZE": "24",
                **environ,
                "HOST": "127.0.0.1",
                "PORT": str(port),
            },
            stdout=output,
            stderr=output,
        )
    server = Server(process, port, Path(log))
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(f"{server.url}/health", trust_env=False)
            except httpx.TransportError:
                assert time.monotonic() < deadline, server.log()
                assert process.poll() is None, server.log()
                time.sleep(0.05)
            else:
                break
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


class Valkey:
    """A Valkey with an append-only file."""

    def __init__(self, data):
        self.where = places(data)
        self.keeper = Keeper(self.where, postgres=False, valkey=True, durable=True)
        self.keeper.make_directories()
        self.url = f"unix://{self.where.valkey_socket}"

    def restart(self):
        self.process = self.keeper.start(self.keeper.valkey_command())
        client, deadline = redis.Redis.from_url(self.url), time.monotonic() + PATIENCE
        while True:
            try:
                client.ping()
                return
            except redis.RedisError:
                assert time.monotonic() < deadline, self.where.log.read_text()
                time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)


@contextmanager
def durable_valkey(data):
    """Yield a Valkey that answers, in that directory."""
    valkey = Valkey(data)
    valkey.restart()
    try:
        yield valkey
    finally:
        valkey.kill()
