"""Start the real server for a benchmark, in a data directory of its own."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
EMAIL, PASSWORD = "bench@example.com", "a long enough password"
VEHICLE_KEY = b"benchmark-key"


@dataclass
class Running:
    port: int
    environ: dict  # for other commands on the same data directory


@contextlib.contextmanager
def running(**environ):
    """Yield a Running: a server that `manage.py serve` runs on an empty database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as data:
        environ = {
            **os.environ,
            "DATA_DIR": data,
            "PORT": str(port),
            "DEMO": "0",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "HMAC_SECRET_KEY": VEHICLE_KEY.decode(),
            "DJANGO_SUPERUSER_EMAIL": EMAIL,
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            **environ,
        }
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=PROJECT,
            env=environ,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until_it_answers(port)
            yield Running(port, environ)
        finally:
            server.terminate()
            server.wait(20)


def wait_until_it_answers(port, seconds=180):
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def wait_until_quiet(seconds=30):
    """Return when the processors have little to do: the workers start beside the web.

    Where other work goes on, return all the same after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = processor_times()
        time.sleep(1)
        user, nice, system, idle, *_ = (
            now - then for now, then in zip(processor_times(), before, strict=True)
        )
        if idle > 9 * (user + nice + system):
            return


def processor_times():
    """Return all processors' user, nice, system, idle, … time since the start."""
    return [
        int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    ]


def in_django(environ, code):
    """Run code beside the server, in the same database; return what it printed."""
    result = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return result.stdout


def token(port):
    """Return an access token of the benchmark's superuser."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/workspace/auth/login",
        json.dumps({"email": EMAIL, "password": PASSWORD}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["access_token"]
