"""A private OpenSSH server on loopback, with keys of its own: for the demo and tests.

It runs as whoever starts it and lets in that same person, by one key alone.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

START_SECONDS = 15
PRIVILEGE_SEPARATION = Path("/run/sshd")  # compiled into sshd, wanted by root's alone
CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
PrintLastLog no
MaxSessions 200
MaxStartups 400
SetEnv LANG=C.UTF-8
Subsystem sftp internal-sftp
"""


class NoOpenSSH(Exception):
    """sshd is not installed; the text tells what to install."""


def program():
    """Return the path of sshd, which wants to be called by it; raise NoOpenSSH."""
    found = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
    if found is None:
        raise NoOpenSSH(
            "sshd is not installed (Debian: apt-get install openssh-server)"
        )
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_key(path):
    """Make an Ed25519 key at a path, its public half beside it, unless it is there."""
    if path.exists():
        return
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        )
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b"\n")


class LocalServer:
    """One sshd; its files are in a directory, where a second start finds them again."""

    host = "127.0.0.1"

    def __init__(self, directory, port=None):
        self.directory = Path(directory)
        self.port = port or free_port()
        self.username = getpass.getuser()
        self.process = None
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_key(self.directory / "host_key")
        make_key(self.directory / "client_key")
        shutil.copyfile(
            self.directory / "client_key.pub", self.directory / "authorized_keys"
        )

    @property
    def host_key(self):
        """Return the public host key as known_hosts has it, `ssh-ed25519 AAAA…`."""
        return (self.directory / "host_key.pub").read_text().strip()

    @property
    def private_key(self):
        """Return the key that logs in, as OpenSSH writes it."""
        return (self.directory / "client_key").read_text()

    def change_host_key(self):
        """Be somebody else from the next start on."""
        for name in ("host_key", "host_key.pub"):
            (self.directory / name).unlink()
        make_key(self.directory / "host_key")

    def start(self):
        """Return once it greets; raise NoOpenSSH, or OSError with the log's end."""
        sshd = program()
        configuration = self.directory / "sshd_config"
        configuration.write_text(
            CONFIGURATION.format(port=self.port, directory=self.directory)
        )
        if os.geteuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_dies_with_parent(), sshd, "-D", "-e", "-f", configuration],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.greets():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise OSError((self.directory / "log").read_text()[-2000:])
            time.sleep(0.02)

    def greets(self):
        try:
            with socket.create_connection((self.host, self.port), 5) as probe:
                return probe.recv(4) == b"SSH-"
        except OSError:
            return False

    def stop(self):
        """End it, and every connection that it holds."""
        if self.process is None:
            return
        # Each connection is a session of its own, which outlives the listener.
        connections = list(_children(self.process.pid))
        self.process.terminate()
        self.process.wait(10)
        for pid in connections:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # it may be deaf to a mere SIGTERM
        self.process = None


def _dies_with_parent():
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _children(pid):
    try:
        return map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except OSError:
        return ()  # no Linux: connections end when their clients leave
