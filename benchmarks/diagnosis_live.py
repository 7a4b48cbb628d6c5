"""How soon do watchers see a headset's change, with many of both on the line.

    python benchmarks/diagnosis_live.py --headsets 300

Starts the server, connects headsets, opens a status stream for each session; then one
headset after another reports that its test runs, while a client asks for its profile
over HTTP. Peer: the replaced system, which stood still at 14 open headsets and looked
for changes every 5 s. Goals: 200 ms from the report to the watcher (p99), and 100 ms
for an HTTP answer meanwhile.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import server
import uvloop
from server import PROJECT
from sockets import Socket

PEER_HEADSETS, PEER_SECONDS = 14, 5

CLINIC = """
from django.contrib.auth import get_user_model
from diagnosis.models import Account, Patient
for n in range({count}):
    user = get_user_model().objects.create(email=f"d{{n}}@example.com", password="!")
    doctor = Account.objects.create(user=user, role="DOCTOR")
    Patient.objects.create(doctor=doctor, code=f"bench-{{n}}", name="")
"""
START = """
import json
from diagnosis import sessions
from diagnosis.models import Patient
patients = Patient.objects.select_related("doctor__user").order_by("pk")
print(json.dumps([
    sessions.start(doctor=p.doctor, patient=p, type="FITBOX", level=1).pk
    for p in patients
]))
"""


def shell(environ, code):
    """Run code in the server's project; return its last line."""
    result = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return (result.stdout.strip().splitlines() or [""])[-1]


def text_frame(text):
    """Return a short text frame, masked with zeros."""
    payload = text.encode()
    size = len(payload)
    length = bytes([128 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


def memory(port):
    """Return the MiB that the web server and its processes have resident."""
    server, status = set(), {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            status[process.name] = (process / "status").read_text()
        except OSError:
            continue  # it has just ended
        if f"config.asgi:application --host 127.0.0.1 --port {port} " in command:
            server.add(process.name)
    total = 0
    for pid, text in status.items():
        parent = re.search(r"PPid:\s+(\d+)", text)[1]
        if pid in server or parent in server:
            total += int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024
    return total


async def connect_headset(port, token, number):
    path = f"/diagnosis/ws/diagnosis/bench-{number}"
    headset = Socket(path, "localhost", None, f"Authorization: Bearer {token}\r\n")
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: headset, "127.0.0.1", port)
    await headset.open
    return headset


class Watcher:
    """One open status stream: is the session seen, and when did it change."""

    def __init__(self, port, token, session):
        self.ready = asyncio.Event()
        self.changed = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self.watch(port, token, session))

    async def watch(self, port, token, session):
        reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(
            f"GET /diagnosis/diagnosis/{session}/status HTTP/1.1\r\n"
            f"Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        while line := await reader.readline():
            if b"READY" in line:
                self.ready.set()
            elif b"STARTED" in line:
                self.changed.set_result(time.perf_counter())
                return


async def ask(port, token, lags):
    """Ask for a profile over and over."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        while True:
            began = time.perf_counter()
            answer = await http.get("/diagnosis/auth/me", headers=headers)
            answer.raise_for_status()
            lags.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)


async def clinic(running, token, options):
    port = running.port
    bare = memory(port)
    headsets = [
        await connect_headset(port, token, number) for number in range(options.headsets)
    ]
    sessions = json.loads(await asyncio.to_thread(shell, running.environ, START))
    watchers = [Watcher(port, token, session) for session in sessions]
    await asyncio.gather(*(watcher.ready.wait() for watcher in watchers))
    print(
        f"{len(headsets)} headsets ({len(headsets) / PEER_HEADSETS:.0f} times the"
        f" replaced system's {PEER_HEADSETS}) and {len(watchers)} watchers:"
        f" {memory(port):.0f} MiB, {bare:.0f} MiB without"
    )
    answers, reported = [], []
    asking = asyncio.create_task(ask(port, token, answers))
    for headset, session in zip(headsets, sessions, strict=True):
        data = {"diagnosis_id": session}
        message = json.dumps({"action": "c_diagnosis_started", "data": data})
        reported.append(time.perf_counter())
        headset.transport.write(text_frame(message))
        await asyncio.sleep(1 / options.rate)
    seen = await asyncio.wait_for(
        asyncio.gather(*(watcher.changed for watcher in watchers)), 60
    )
    asking.cancel()
    for name, lags in (
        ("report to watcher", np.array(seen) - np.array(reported)),
        ("HTTP answers meanwhile", np.array(answers)),
    ):
        lags = lags * 1000
        print(
            f"{name}: p50 {np.percentile(lags, 50):.0f} ms,"
            f" p99 {np.percentile(lags, 99):.0f} ms, max {lags.max():.0f} ms"
        )
    print(f"the replaced system looked every {PEER_SECONDS * 1000} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--headsets", type=int, default=300)
    parser.add_argument("--rate", type=float, default=50, help="reports a second")
    parser.add_argument("--web-processes", default="2")
    options = parser.parse_args()
    environ = {
        "WEB_PROCESSES": options.web_processes,
        "WORKER_PROCESSES": "1",
        "API_RATE_PER_MINUTE": "100000",
    }
    with server.running(**environ) as running:
        shell(running.environ, CLINIC.format(count=options.headsets))
        token = server.token(running.port)
        uvloop.run(clinic(running, token, options))


if __name__ == "__main__":
    main()
