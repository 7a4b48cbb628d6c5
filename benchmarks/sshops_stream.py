"""How fast does a server's output come to a client, and what do others feel of it.

    python benchmarks/sshops_stream.py

`cat` of a 50 MB text file on a pty, by turns: `ssh -tt`, paramiko read by one thread,
our command socket and our terminal socket, all through one private sshd. While our own
two run, another client asks over and over and waits for the answer. Then ten streams at
once: is each complete and in order, and what memory do they take. At last `yes` for a
minute: does memory stay what it is, and how soon does Ctrl-C end it.

Goals: 0.6 of paramiko's MB/s, the other client's answer within 50 ms (p99), 8 MiB for
each of ten streams, 200 ms for Ctrl-C.
"""

import argparse
import asyncio
import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import paramiko
import server
import uvloop
from server import PROJECT
from sockets import connect, frame

sys.path.insert(0, str(PROJECT))

from sshops.sshd import LocalServer

GOAL_SHARE, GOAL_SECONDS, GOAL_BYTES = 0.6, 0.050, 8 << 20
GOAL_STOP_SECONDS, GOAL_GROWTH = 0.2, 16 << 20
ACKNOWLEDGE_EVERY = 1 << 16
PROMPT, SPELT_PROMPT = b"<prompt>", "<pro''mpt>"  # the echo shall not look like it
LINE = 100


def text_file(path, size):
    """Write numbered lines; return what a terminal shows of them."""
    lines = (f"{number:09} ".ljust(LINE - 1, "x") for number in range(size // LINE))
    text = "\n".join(lines) + "\n"
    path.write_text(text)
    return text.replace("\n", "\r\n").encode()


# The peers


def by_openssh(sshd, path):
    """Return (seconds, bytes) of `ssh -tt`."""
    began = time.perf_counter()
    ssh = subprocess.Popen(
        [
            *("ssh", "-tt", "-q", "-F", "none", "-p", str(sshd.port)),
            *("-i", sshd.directory / "client_key"),
            *("-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"),
            *(f"{sshd.username}@{sshd.host}", f"cat {path}"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    size = 0
    while data := ssh.stdout.read(1 << 16):
        size += len(data)
    ssh.wait()
    return time.perf_counter() - began, size


def by_paramiko(sshd, path):
    """Return (seconds, bytes) of one thread that reads a channel."""
    began = time.perf_counter()
    with paramiko.Transport((sshd.host, sshd.port)) as transport:
        options = transport.get_security_options()
        fast = "aes128-gcm@openssh.com"
        options.ciphers = [fast, *(c for c in options.ciphers if c != fast)]
        transport.start_client(timeout=10)
        key = paramiko.Ed25519Key.from_private_key(io.StringIO(sshd.private_key))
        transport.auth_publickey(sshd.username, key)
        channel = transport.open_session()
        channel.get_pty()
        channel.exec_command(f"cat {path}")
        size = 0
        while data := channel.recv(1 << 16):
            size += len(data)
    return time.perf_counter() - began, size


# Ours; each client is a process of its own


def text_frame(**message):
    return frame(json.dumps(message).encode(), 1)


def bearing(token):
    return f"Authorization: Bearer {token}\r\n"


async def by_command(port, token, path, name):
    """Return (seconds, output) of a command's socket."""
    pieces, done = [], asyncio.get_running_loop().create_future()

    def hear(payload):
        if payload.startswith(b'{"type": "output"'):
            pieces.append(payload)
        elif b'"complete"' in payload[:30]:
            done.set_result(None)
        elif b'"error"' in payload[:30]:
            done.set_exception(RuntimeError(payload.decode()))

    socket = await connect(port, "/sshops/ws/v1/stub", hear, bearing(token))
    began = time.perf_counter()
    request = {"server": name, "command": f"cat {path}", "stop_phrase": "never said"}
    socket.transport.write(text_frame(type="ssh_command", **request))
    await done
    seconds = time.perf_counter() - began
    socket.transport.close()
    return seconds, "".join(json.loads(piece)["data"] for piece in pieces).encode()


class Screen:
    """A terminal's socket that acknowledges what comes and passes it to `show`."""

    def __init__(self, show):
        self.show = show
        self.shown = self.told = 0
        loop = asyncio.get_running_loop()
        self.ready, self.done = loop.create_future(), loop.create_future()

    async def open(self, port, token, name):
        terminal = post(port, token, "/sshops/terminals", {"server": name})["id"]
        path = f"/sshops/ws/terminals/{terminal}?cols=80&rows=24"
        self.socket = await connect(port, path, self.hear, bearing(token))
        await self.ready

    def hear(self, payload):
        if payload[:9] == b'{"type": ':
            message = json.loads(payload)
            if message["type"] == "attached":
                self.ready.set_result(None)
            elif message["type"] in ("ended", "error"):
                self.done.set_result(message)
            return
        self.shown += len(payload)
        self.show(payload)
        if self.shown - self.told >= ACKNOWLEDGE_EVERY:
            self.told = self.shown
            self.socket.transport.write(text_frame(type="ack", offset=self.shown))

    def type(self, text):
        self.socket.transport.write(frame(text.encode(), 2))


async def by_terminal(port, token, path, name):
    """Return (seconds, output) of a terminal's socket that acknowledges what comes."""
    pieces = []
    screen = Screen(pieces.append)
    await screen.open(port, token, name)
    began = time.perf_counter()
    screen.type(f"exec cat {path}\n")
    await screen.done
    seconds = time.perf_counter() - began
    screen.socket.transport.close()
    return seconds, b"".join(pieces)


def flood(port, token, name, duration, pids, results):
    """In a process: let `yes` run; tell what it did to memory, and when Ctrl-C did."""
    uvloop.run(endure(port, token, name, duration, pids, results))


async def endure(port, token, name, duration, pids, results):
    prompted, recent = asyncio.Event(), b""

    def show(payload):
        nonlocal recent
        recent = recent[-len(PROMPT) :] + payload[-64:]
        if PROMPT in recent:
            prompted.set()

    screen = Screen(show)
    await screen.open(port, token, name)
    screen.type(f"PS1='{SPELT_PROMPT}'\n")
    await prompted.wait()
    prompted.clear()
    recent = b""
    screen.type("yes\n")
    sizes = []
    while len(sizes) < duration:
        await asyncio.sleep(1)
        sizes.append(present(pids))
    prompted.clear()
    began = time.perf_counter()
    screen.type("\x03")
    await prompted.wait()
    results.put((screen.shown, sizes, time.perf_counter() - began))
    screen.type("exit\n")
    await screen.done
    screen.socket.transport.close()


def stream(way, port, token, path, name, expected, results):
    """In a process: run one stream; tell how long it took and whether all came."""
    try:
        seconds, output = uvloop.run(way(port, token, path, name))
    except Exception as error:
        results.put((0.0, repr(error)))
        raise
    at = output.find(b"000000000 ")
    shown = output[at:] if way is by_command else output[at : at + expected[1]]
    results.put((seconds, hashlib.sha256(shown).hexdigest() == expected[0]))


def probe(way, port, token, name, stop, results):
    """In a process: ask again and again until told to stop; tell the answer times."""
    uvloop.run(ask(way, port, token, name, stop, results))


async def ask(way, port, token, name, stop, results):
    answered = asyncio.Event()
    path, question = "/sshops/ws/v1/stub", text_frame(type="get_lock_status")
    if way is by_terminal:  # a key, and its echo through the terminals' host
        terminal = post(port, token, "/sshops/terminals", {"server": name})["id"]
        path, question = f"/sshops/ws/terminals/{terminal}", frame(b"\n", 2)
    times = []
    socket = await connect(port, path, lambda _payload: answered.set(), bearing(token))
    if way is by_terminal:
        socket.transport.write(frame(b"exec cat >/dev/null\n", 2))
        await asyncio.sleep(1)
    while not stop.is_set():
        answered.clear()
        began = time.perf_counter()
        socket.transport.write(question)
        await answered.wait()
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)
    socket.transport.close()
    results.put(times)


def post(port, token, path, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


@contextlib.contextmanager
def probing(way, *args):
    """Yield a function that ends a probe and returns its answer times."""
    stop, results = multiprocessing.Event(), multiprocessing.Queue()
    process = multiprocessing.Process(target=probe, args=(way, *args, stop, results))
    process.start()
    time.sleep(2)  # it connects, and opens its terminal

    def times():
        stop.set()
        return results.get(timeout=30)

    try:
        yield times
    finally:
        process.terminate()
        process.join()


def streams(way, names, port, token, path, expected):
    """Run streams at once, one for each name; return (seconds, whole) of each."""
    results = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(
            target=stream, args=(way, port, token, path, name, expected, results)
        )
        for name in names
    ]
    for process in processes:
        process.start()
    found = [results.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    return found


# Memory


def server_processes(environ):
    """Return the pids of web server and host of terminals, by their data directory."""
    mark = f"DATA_DIR={environ['DATA_DIR']}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if mark in (process / "environ").read_bytes().split(b"\0") and (
                b"config.web" in command or b"host_terminals" in command
            ):
                found.append(int(process.name))
    return found


def peak(pids):
    """Return the most bytes that the processes had since forget()."""
    status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return sum(int(size) for size in re.findall(r"VmHWM:\s+(\d+) kB", status)) * 1024


def present(pids):
    """Return the bytes that the processes have now."""
    status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return sum(int(size) for size in re.findall(r"VmRSS:\s+(\d+) kB", status)) * 1024


def forget(pids):
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--megabytes", type=int, default=50)
    options.add_argument("--streams", type=int, default=10)
    options.add_argument("--flood", type=int, default=60, help="seconds of `yes`")
    options.add_argument("--turns", type=int, default=3)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="madang-stream-") as folder:
        path = Path(folder) / "text"
        shown = text_file(path, asked.megabytes * 1_000_000)
        expected = hashlib.sha256(shown).hexdigest(), len(shown)
        sshd = LocalServer(Path(folder) / "sshd")
        sshd.start()
        try:
            with server.running() as running:
                return measure(asked, running, sshd, path, expected)
        finally:
            sshd.stop()


def measure(asked, running, sshd, path, expected):
    port, token = running.port, server.token(running.port)
    names = [f"bench-{number}" for number in range(max(asked.streams, 1))]
    for name in names:
        fields = ("host", "port", "username", "private_key", "host_key")
        body = {field: getattr(sshd, field) for field in fields}
        post(port, token, "/sshops/servers", {"name": name, **body})
    megabytes = expected[1] / 1_000_000
    ways = {"command": by_command, "terminal": by_terminal}
    rates = {"ssh -tt": [], "paramiko": [], "command": [], "terminal": []}
    answers = {name: [] for name in ways}
    fine = True
    for _turn in range(asked.turns):
        rates["ssh -tt"].append(megabytes / by_openssh(sshd, path)[0])
        rates["paramiko"].append(megabytes / by_paramiko(sshd, path)[0])
        for name, way in ways.items():
            with probing(way, port, token, names[0]) as times:
                before = len(answers[name])
                [(seconds, whole)] = streams(
                    way, names[-1:], port, token, path, expected
                )
                answers[name] += times()
            assert len(answers[name]) > before, "the other client got no answer at all"
            rates[name].append(megabytes / seconds)
            fine &= told(whole is True, f"{name}: the output was not complete")
    floor = max(rates["paramiko"])
    for name, found in rates.items():
        share = max(found) / floor
        print(f"{name:10} {max(found):6.1f} MB/s   {share:.2f} of paramiko", end="")
        if name in answers:
            p50, p99 = np.percentile(answers[name], [50, 99]) * 1000
            print(f"   another's answer p50 {p50:.1f} ms, p99 {p99:.1f} ms", end="")
        print()
        if name in answers:
            fine &= told(share >= GOAL_SHARE, f"{name}: below {GOAL_SHARE} of paramiko")
            fine &= told(p99 <= GOAL_SECONDS * 1000, f"{name}: others wait too long")
    for name, way in ways.items():
        fine &= many(name, way, names, running, token, path, expected)
    fine &= flooded(asked.flood, running, token, names[0])
    return 0 if fine else 1


def flooded(duration, running, token, name):
    """Let `yes` run in a terminal, then press Ctrl-C."""
    pids, results = server_processes(running.environ), multiprocessing.Queue()
    process = multiprocessing.Process(
        target=flood, args=(running.port, token, name, duration, pids, results)
    )
    process.start()
    shown, sizes, seconds = results.get(timeout=duration + 120)
    process.join()
    # From when it flows at full speed, with every buffer there.
    early, late = max(sizes[: len(sizes) // 4 + 1]), max(sizes[len(sizes) // 4 :])
    print(
        f"yes for {duration} s: {shown / 1e6:.0f} MB shown, memory {early >> 20} MiB in"
        f" the first quarter, {late >> 20} MiB after; Ctrl-C answered in"
        f" {seconds * 1000:.0f} ms"
    )
    return told(late - early <= GOAL_GROWTH, "memory grows") & told(
        seconds <= GOAL_STOP_SECONDS, "Ctrl-C takes too long"
    )


def many(name, way, names, running, token, path, expected):
    pids = server_processes(running.environ)
    forget(pids)
    before = peak(pids)
    began = time.perf_counter()
    found = streams(way, names, running.port, token, path, expected)
    seconds = time.perf_counter() - began
    each = (peak(pids) - before) / len(names)
    rate = len(names) * expected[1] / 1_000_000 / seconds
    whole = sum(one is True for _seconds, one in found)
    print(
        f"{len(names)} at once, {name:8} {rate:6.1f} MB/s in all, {whole} complete and"
        f" in order, {each / 1_048_576:.1f} MiB for each"
    )
    problems = {str(one) for _seconds, one in found if one is not True}
    return told(not problems, f"not complete: {', '.join(problems)}") & told(
        each <= GOAL_BYTES, "a stream takes too much memory"
    )


def told(fine, complaint):
    if not fine:
        print(f"MISSED: {complaint}")
    return fine


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
