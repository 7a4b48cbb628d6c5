"""A real uvicorn on a free port: in a thread of the tests, or as a process."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import uvicorn

PROJECT = Path(__file__).resolve().parent.parent
OPTIONS = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "websockets-sansio",
    "ws_max_size": 1 << 25,
    "ws_per_message_deflate": False,
    "server_header": False,
    "access_log": False,
    "log_config": None,
    "timeout_graceful_shutdown": 2,
}


@dataclass
class Served:
    """A server that answers on 127.0.0.1; `pid` is None for one in a thread."""

    port: int
    pid: int | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self):
        return f"ws://127.0.0.1:{self.port}"

    def forget_peak(self):
        """Let peak() count from now on; return the process' memory in bytes."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.peak()

    def peak(self):
        """Return the most memory in bytes that the process had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024


def listening():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    return listener


@contextlib.contextmanager
def in_thread(application):
    """Yield a Served whose application runs in this process."""
    with listening() as listener:
        server = uvicorn.Server(uvicorn.Config(application, **OPTIONS))
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, daemon=True
        )
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server ended at its start"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        try:
            yield Served(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the server does not stop"


@contextlib.contextmanager
def as_process(target):
    """Yield a Served that runs "module:application" in a process of its own."""
    with listening() as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.serving", target, str(listener.fileno())],
            cwd=PROJECT,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            # The listener queues us until the server is there.
            probe = socket.create_connection(listener.getsockname(), timeout=20)
            probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert probe.recv(1), "the server ended at its start"
            probe.close()
            yield Served(listener.getsockname()[1], process.pid)
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    config = uvicorn.Config(sys.argv[1], **OPTIONS)
    inherited = socket.socket(fileno=int(sys.argv[2]))
    os.set_inheritable(inherited.fileno(), False)
    uvicorn.Server(config).run(sockets=[inherited])
