"""Chat: how fast clients join, how soon a group hears, how much goes through it.

    python benchmarks/workspace_chat.py --members 200 1000

Starts the server, lets 200 clients join at once, then measures the time from a message
to each member of a group; starts it again with two processes for the messages a second
through one group, and with a member that stops reading while the others go on. Peer:
the replaced system, which took 4.5 s and 559 MB of lists for 200 clients. Goals: joins
under 1.5 s and 20 MB, p99 under 150 ms with 1,000 members, and a stopped reader that
delays nobody.
"""

import argparse
import asyncio
import time

import numpy as np
import server
import uvloop
from sockets import Socket, frame

PEER_SECONDS, PEER_MEGABYTES = 4.5, 559
TEXT = 1
LISTS = (b'{"type":"client_list"', b'{"type":"group_info"')
PATIENCE = 120


class Client:
    """A chat client that counts what it gets."""

    def __init__(self):
        self.list_bytes = self.lists = self.lines = 0
        self.shown = 0  # entries in the last list
        self.greeted = asyncio.get_running_loop().create_future()
        self.lags = []
        self.expected, self.complete = 0, asyncio.Event()

    async def connect(self, port, token, path):
        loop = asyncio.get_running_loop()
        headers = f"Authorization: Bearer {token}\r\n"
        _, self.socket = await loop.create_connection(
            lambda: Socket(
                f"/workspace/ws/{path}", f"127.0.0.1:{port}", self.hear, headers
            ),
            *("127.0.0.1", port),
        )
        await self.socket.open
        return self

    def hear(self, payload):
        if payload.startswith(LISTS):
            self.list_bytes += len(payload)
            if payload.startswith(LISTS[0]):
                self.lists += 1
                self.shown = payload.count(b'"connection_id"')
        elif payload.startswith(b"Connected"):
            self.greeted.set_result(None)
        elif b"': " in payload and not payload.startswith(b"Client 's' says"):
            sent = payload.rpartition(b"': ")[2].split(b" ", 1)[0]
            self.lags.append(time.perf_counter() - float(sent))
            if len(self.lags) == self.expected:
                self.complete.set()

    def expect(self, messages):
        self.expected, self.lags = messages, []
        self.complete.clear()

    def say(self, padding=""):
        text = f"/group {time.perf_counter()} {padding}"
        self.socket.transport.write(frame(text.encode(), TEXT))

    def leave(self):
        self.socket.transport.close()


async def join(port, token, count, path="{}/bench"):
    """Return clients that connected at once, when all see each other."""
    clients = [Client() for _ in range(count)]
    await asyncio.gather(
        *(
            client.connect(port, token, path.format(number))
            for number, client in enumerate(clients)
        )
    )
    await asyncio.gather(*(client.greeted for client in clients))
    return clients


async def all_seen(clients):
    deadline = time.monotonic() + PATIENCE
    while any(client.shown != len(clients) for client in clients):
        assert time.monotonic() < deadline, "the lists do not become complete"
        await asyncio.sleep(0.005)


async def leave(clients, port, token):
    for client in clients:
        client.leave()
    watcher = await Client().connect(port, token, "watcher")
    await all_seen([watcher])
    watcher.leave()


async def measure_joins(port, token, count):
    began = time.perf_counter()
    clients = await join(port, token, count)
    greeted = time.perf_counter() - began
    await all_seen(clients)
    seconds = time.perf_counter() - began
    megabytes = sum(client.list_bytes for client in clients) / 1e6
    lists = sum(client.lists for client in clients)
    print(
        f"{count} clients join: all greeted in {greeted:.2f} s, all see all in"
        f" {seconds:.2f} s, {megabytes:.1f} MB in {lists} lists"
        f" (replaced system: {PEER_SECONDS} s, {PEER_MEGABYTES} MB)"
    )
    await leave(clients, port, token)


async def measure_fan_out(port, token, count, messages, rate):
    clients = await join(port, token, count)
    await all_seen(clients)
    for client in clients:
        client.expect(messages)
    for number in range(messages):
        clients[number % count].say()
        await asyncio.sleep(1 / rate)
    await heard(clients)
    print(f"{count} members, {rate:g} messages/s: {spread(clients)}")
    await leave(clients, port, token)


async def heard(clients):
    async with asyncio.timeout(PATIENCE):
        for client in clients:
            await client.complete.wait()


def spread(clients):
    lags = np.concatenate([client.lags for client in clients]) * 1000
    return (
        f"p50 {np.percentile(lags, 50):.0f} ms, p99 {np.percentile(lags, 99):.0f} ms,"
        f" max {lags.max():.0f} ms"
    )


async def measure_throughput(port, token, count, each):
    clients = await join(port, token, count)
    await all_seen(clients)
    for client in clients:
        client.expect(count * each)
    began = time.perf_counter()
    for _ in range(each):
        for client in clients:
            client.say()
        await asyncio.sleep(0)
    await heard(clients)
    seconds = time.perf_counter() - began
    rate = count * each / seconds
    print(
        f"{count} members who all speak: {rate:,.0f} messages/s,"
        f" {rate * count:,.0f} deliveries/s"
    )
    await leave(clients, port, token)


async def measure_stopped_reader(port, token, count, messages, rate):
    for stops in (False, True):
        clients = await join(port, token, count)
        await all_seen(clients)
        readers = clients[1:]
        if stops:
            clients[0].socket.transport.pause_reading()
        for client in readers:
            client.expect(messages)
        for number in range(messages):
            readers[number % len(readers)].say("x" * 50_000)
            await asyncio.sleep(1 / rate)
        await heard(readers)
        which = "one of them stopped reading" if stops else "all read"
        print(f"{count} members, 50 kB messages, {which}: {spread(readers)}")
        await leave(clients, port, token)


def environ(processes):
    return {
        "WEB_PROCESSES": str(processes),
        "WORKER_PROCESSES": "1",
        "API_RATE_PER_MINUTE": "100000",
    }


async def one_process(port, options):
    token = server.token(port)
    await leave(await join(port, token, 10), port, token)  # the first ones warm it up
    await measure_joins(port, token, options.joins)
    for count in options.members:
        await measure_fan_out(port, token, count, options.messages, options.rate)


async def two_processes(port, options):
    token = server.token(port)
    await measure_throughput(port, token, 40, 100)
    await measure_stopped_reader(port, token, 50, options.messages, options.rate)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=200)
    parser.add_argument("--members", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--rate", type=float, default=5, help="messages a second")
    options = parser.parse_args()
    for processes, measure in ((1, one_process), (2, two_processes)):
        print(f"{processes} server process{'es' if processes > 1 else ''}:")
        with server.running(**environ(processes)) as running:
            uvloop.run(measure(running.port, options))


if __name__ == "__main__":
    main()
