"""The embedded servers: they start, last while somebody holds them, and recover."""

import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded
from tests.serving import PROJECT

HOLD = """
import sys
from config import embedded
embedded.hold(sys.argv[1], durable=False)
print("held", flush=True)
if sys.stdin.readline():
    embedded.release()
    print("released", flush=True)
    sys.stdin.readline()
"""


class Holder:
    """A process that holds the servers of a data directory."""

    def __init__(self, data):
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(data)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self, word):
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        assert ready, "the holder says nothing"
        assert self.process.stdout.readline() == f"{word}\n"
        return self

    def release(self):
        self.process.stdin.write("release\n")
        self.process.stdin.flush()
        return self.says("released")

    def kill(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def hold():
    """Return a function that starts a Holder; at the end its servers are gone."""
    holders = []

    def start(data):
        holders.append(Holder(data))
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
    for holder in holders:
        assert becomes(lambda holder=holder: not processes(holder.data))
        sockets = embedded.places(holder.data).sockets
        if sockets.parent == Path("/tmp"):
            shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a data directory that others cannot enter; the tests use it in turn."""
    parent = tmp_path_factory.mktemp("closed")
    parent.chmod(0o700)
    return parent / "자료 of tests"


def becomes(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def processes(data, program=b""):
    """Return the pids of a directory's servers and keeper; holders do not count."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            directory = os.readlink(process / "cwd")
        except OSError:
            continue
        is_ours = os.fsencode(data) in command or directory.startswith(str(data))
        is_holder = HOLD.encode() in command
        if is_ours and not is_holder and program in command:
            found.append(int(process.name))
    return found


def query(data, sql):
    where = embedded.places(data)
    with psycopg.connect(
        host=str(where.postgres_socket.parent), user="madang", dbname="madang"
    ) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def valkey(data):
    return redis.Redis(unix_socket_path=str(embedded.places(data).valkey_socket))


def answers(data):
    try:
        return query(data, "SELECT 1") == 1 and valkey(data).ping()
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


def postmaster(data):
    return int((data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def test_both_servers_start_and_keep_their_data(hold, data):
    hold(data).says("held")
    query(data, "CREATE TABLE kept AS SELECT 42 AS answer")
    valkey(data).set("key", "value")
    assert valkey(data).get("key") == b"value"

    hold(data).says("held").release()
    for_the_next = hold(data).says("held")

    assert query(data, "SELECT answer FROM kept") == 42
    assert query(data, "SHOW server_encoding") == "UTF8"
    assert for_the_next.process.poll() is None


def test_the_database_outlives_its_servers(hold, data):
    hold(data).says("held")
    query(data, "CREATE TABLE again AS SELECT 43 AS answer")
    first = postmaster(data)
    end_all(hold, data)

    hold(data).says("held")

    assert query(data, "SELECT answer FROM again") == 43
    assert postmaster(data) != first


def end_all(hold, data):
    for pid in holders_of(data):
        os.kill(pid, signal.SIGKILL)
    assert becomes(lambda: not processes(data))


def holders_of(data):
    return [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if HOLD.encode() in (command := command_of(process))
        and os.fsencode(data) in command
    ]


def command_of(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_root_gives_postgresql_to_nobody(hold, data):
    hold(data).says("held")

    assert data.parent.stat().st_mode & 0o777 == 0o700
    owner = Path(f"/proc/{postmaster(data)}").stat().st_uid
    root = os.geteuid() == 0
    assert owner == (pwd.getpwnam("nobody").pw_uid if root else os.geteuid())


def test_two_directories_live_side_by_side_even_with_a_long_path(hold, data, tmp_path):
    far = tmp_path / ("long" * 30)
    hold(data).says("held")
    hold(far).says("held")

    query(far, "CREATE TABLE only_here AS SELECT 1")
    valkey(far).set("only", "here")

    assert query(data, "SELECT to_regclass('only_here')") is None
    assert valkey(data).get("only") is None
    assert embedded.places(data).sockets == data / "run"
    assert embedded.places(far).sockets.parent == Path("/tmp")
    assert embedded.places(far).sockets.stat().st_mode & 0o777 == 0o700


def test_a_link_in_tmp_is_not_followed(hold, tmp_path):
    data = tmp_path / ("long" * 30)
    sockets = embedded.places(data).sockets
    sockets.symlink_to(tmp_path)

    errors = hold(data).process.communicate()[1]
    sockets.unlink()

    assert "The embedded servers did not start" in errors
    assert "belongs to somebody else" in (data / "log").read_text()


def test_the_path_limit_is_that_of_a_socket():
    tail = len("/run/postgres/.s.PGSQL.5432")
    fits = "/" + "x" * (embedded.SOCKET_PATH_LIMIT - tail - 1)

    assert len(str(embedded.places(fits).postgres_socket)) == 107
    assert embedded.places(fits).sockets == Path(fits, "run")
    assert embedded.places(fits + "x").sockets.parent == Path("/tmp")


@pytest.mark.parametrize("name", ["100%", "a#b", "a?b", "a,b"])
def test_sockets_of_a_path_with_signs_of_addresses_move_to_tmp(name):
    assert embedded.places(f"/data/{name}").sockets.parent == Path("/tmp")


@pytest.mark.parametrize("kind", ["gone", "another program", "nonsense"])
def test_a_stale_pid_file_does_not_block(hold, data, kind):
    hold(data).says("held").release()
    ended = subprocess.Popen(["true"])
    ended.wait()
    pid = {"gone": ended.pid, "another program": os.getpid(), "nonsense": "x"}[kind]
    (data / "postgres" / "postmaster.pid").write_text(
        f"{pid}\n{data}/postgres\n1700000000\n5432\n{data}/run/postgres\n\n 1 1\n"
    )

    hold(data).says("held")

    assert answers(data)


def test_servers_end_with_their_keeper_and_the_next_start_works(hold, data):
    hold(data).says("held")
    [keeper] = processes(data, b"config.keeper")

    os.kill(keeper, signal.SIGKILL)

    assert becomes(lambda: not processes(data))
    hold(data).says("held")
    assert answers(data)


def test_a_start_right_after_the_keeper_was_killed_works(hold, data):
    hold(data).says("held")
    [keeper] = processes(data, b"config.keeper")

    os.kill(keeper, signal.SIGKILL)
    hold(data).says("held")

    time.sleep(1)
    assert answers(data)


def test_the_keeper_brings_back_what_was_killed(hold, data):
    hold(data).says("held")
    killed = postmaster(data)
    [store] = processes(data, b"valkey-server")

    os.kill(killed, signal.SIGKILL)
    os.kill(store, signal.SIGKILL)

    assert becomes(lambda: answers(data) and postmaster(data) != killed)
    assert processes(data, b"valkey-server") != [store]


def test_nothing_is_left_when_the_last_holder_was_killed(hold, data):
    holder = hold(data).says("held")
    assert len(processes(data)) > 2

    holder.kill()

    assert becomes(lambda: not processes(data))


def test_release_returns_when_the_servers_are_down(hold, data):
    holder = hold(data).says("held")

    holder.release()

    assert processes(data, b"bin/postgres") == []
    assert processes(data, b"valkey-server") == []


def test_a_second_holder_keeps_the_servers(hold, data):
    first = hold(data).says("held")
    second = hold(data).says("held")
    running = postmaster(data)

    first.release()
    first.kill()
    time.sleep(1)

    assert answers(data)
    assert postmaster(data) == running
    assert second.process.poll() is None


def test_many_who_start_at_once_share_one_keeper(hold, data):
    holders = [hold(data) for _ in range(4)]

    for holder in holders:
        holder.says("held")

    assert answers(data)
    assert becomes(lambda: len(processes(data, b"config.keeper")) == 1)


def test_who_comes_while_the_last_one_leaves_has_servers(hold, data):
    holder = hold(data).says("held")

    for wait in (0.0, 0.1, 0.2, 0.3):
        next_one = hold(data)
        time.sleep(wait)
        holder.kill()
        holder = next_one.says("held")
        assert answers(data)


def test_a_directory_that_cannot_be_used_is_told(hold, tmp_path):
    (tmp_path / "postgres").write_text("in the way")

    errors = hold(tmp_path).process.communicate()[1]

    assert f"did not start; {tmp_path}/log tells why" in errors
    assert "FileExistsError" in (tmp_path / "log").read_text()
