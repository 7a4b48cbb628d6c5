"""Two server processes, as deployed, on one database and one Valkey."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings
from django.db import connection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from config.realtime import in_thread
from roadblock import client_packets, packets
from roadblock.models import Event, Position, Vehicle
from tests.conftest import token
from tests.roadblock.talk import KEY, PATIENCE, nack, named, pair

pytestmark = pytest.mark.django_db(transaction=True)

START_SECONDS = 30


class Server:
    """A running server process."""

    def __init__(self, process, port):
        self.process = process
        self.address = f"127.0.0.1:{port}"
        self.port = port

    def socket(self, path, user=None):
        headers = {"Authorization": f"Bearer {token(user)}"} if user else {}
        return connect(
            f"ws://{self.address}/roadblock/ws/{path}",
            additional_headers=headers,
            proxy=None,
            max_queue=None,
        )

    def request(self, verb, path, user=None):
        headers = {"Authorization": f"Bearer {token(user)}"} if user else {}
        url = f"http://{self.address}{path}"
        return httpx.request(verb, url, headers=headers, trust_env=False)

    def raw(self, path, headers=""):
        """Return a connection whose handshake has been sent."""
        one = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        one.sendall(
            f"GET /roadblock/ws/{path} HTTP/1.1\r\nHost: {self.address}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}".encode()
        )
        return one


@contextmanager
def serving():
    """Run a process of the web server, on the tests' database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = connection.settings_dict
    process = subprocess.Popen(
        [sys.executable, "-m", "config.web"],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATABASE_URL": f"postgres://{place['USER']}@/{place['NAME']}"
            f"?host={quote(str(place['HOST']), safe='')}",
            "DATABASE_POOL_SIZE": "24",
        },
    )
    try:
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def wait_for(server):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return server.request("GET", "/health")
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def servers(django_db_setup, django_db_blocker):
    with serving() as one, serving() as other:
        wait_for(one)
        wait_for(other)
        yield one, other


async def told(socket, *types):
    """Return the next frame of one of these types."""
    while True:
        frame = await asyncio.wait_for(socket.recv(), PATIENCE)
        frame = client_packets.decode(frame, KEY)
        if not types or frame.type in types:
            return frame


async def send_once(server, path, frame):
    """Open a socket, send one frame, close: what the cars in service do."""
    async with server.socket(path) as socket:
        await socket.send(frame)


def registration(number, name, kind=packets.POLICE):
    return client_packets.registration(KEY, number, kind, name)


def stored(number):
    """Return the x of all stored positions of a car, in the order it had."""
    rows = Position.objects.filter(vehicle__vehicle_id=number).order_by("created_at")
    return list(rows.values_list("x", flat=True))


async def test_a_car_of_one_process_is_seen_in_the_other(servers, outsider):
    one, other = servers
    async with other.socket("front/vehicles", outsider) as board:
        await send_once(one, "vehicles", registration(31, "P31"))
        shown = await told(board, packets.REGISTERED)
        await send_once(one, "vehicles", client_packets.position(KEY, 31, 1.5, 2.5))
        moved = await told(board, packets.POSITIONS)
        # Registered in one process, and known in the other at once
        await send_once(other, "vehicles", client_packets.status(KEY, 31, 80, 1, 1))
        changed = await told(board, packets.STATUS)

    car = await in_thread(Vehicle.objects.get)
    assert (shown.id, shown.vehicle_id, shown.car_name) == (car.pk, 31, "P31")
    assert (moved.map_id, moved.records) == (4, [(car.pk, 1.5, 2.5)])
    assert (changed.id, changed.fuel) == (car.pk, 80)


async def test_a_car_retired_in_one_process_is_unknown_to_the_other(servers, operator):
    one, other = servers
    position = client_packets.position(KEY, 32, 1, 2)
    async with (
        other.socket("front/vehicles", operator) as board,
        other.socket("vehicles") as sender,
    ):
        await send_once(other, "vehicles", registration(32, "P32"))
        car = await told(board, packets.REGISTERED)
        await sender.send(position)
        await told(board, packets.POSITIONS)

        path = f"/roadblock/vehicles/{car.id}"
        answer = await in_thread(one.request, "DELETE", path, operator)
        removed = await told(board, packets.REMOVED)
        await sender.send(position)
        refusal = await told(sender)

    assert answer.status_code == 204
    assert removed == named(packets.REMOVED, car.id)
    assert refusal == nack(packets.Nack.DATA)


async def test_a_catch_in_one_process_is_seen_in_the_other(servers, outsider):
    one, other = servers
    async with (
        other.socket("front/events", outsider) as board,
        other.socket("events") as listener,
    ):
        async with one.socket("vehicles") as sender:  # connections have no order
            await sender.send(registration(33, "P33"))
            await told(sender, packets.ACCEPTED)
            await sender.send(registration(34, "R34", packets.RUNNER))
        assert await told(listener) == named(0xFF, 34)
        await send_once(one, "events", client_packets.catch_report(KEY, 33, 34))
        caught, shown = await told(listener), await told(board, packets.CATCH)

    event = await in_thread(Event.objects.get, status="catch")
    assert caught == pair(0xFC, 33, 34)
    assert shown == pair(0xFE, event.catcher_id, event.runner_id)


async def test_a_newcomer_to_another_process_hears_of_the_chase(servers):
    one, other = servers
    await send_once(one, "vehicles", registration(35, "R35", packets.RUNNER))

    async with other.socket("vehicles") as listener:
        assert await told(listener) == named(0xFF, 35)


async def test_a_burst_of_junk_is_answered_and_survived(servers):
    async with servers[0].socket("vehicles") as sender:
        for number in range(10_000):
            await sender.send(number.to_bytes(20, "big"))
        answers = [await told(sender, packets.NACK) for _ in range(10_000)]
        await sender.send(registration(36, "P36"))
        last = await told(sender, packets.ACCEPTED)

    assert answers == [nack(packets.Nack.FORMAT)] * 10_000
    assert last == named(packets.ACCEPTED, 36)


@pytest.mark.parametrize("size", [(1 << 16) + 1, 8 << 20])
async def test_too_large_a_frame_closes_its_own_socket_alone(servers, size):
    async with servers[0].socket("vehicles") as other:
        async with servers[0].socket("vehicles") as sender:
            await sender.send(bytes(size))
            with pytest.raises(ConnectionClosed) as closed:
                await told(sender, packets.NACK)
        await other.send(registration(37, f"P{size}"))
        await told(other, packets.ACCEPTED, packets.NACK)

    assert closed.value.rcvd.code == 1009


async def test_strangers_are_refused_before_any_frame(servers):
    async with servers[0].socket("front/vehicles") as board:
        with pytest.raises(ConnectionClosed) as closed:
            await board.recv()

    assert closed.value.rcvd.code == 4401


def test_a_silent_socket_is_pinged_in_time(servers):
    car = servers[0].raw("vehicles", "\r\n")
    start, received = time.monotonic(), b""

    while b"\x89" not in received.partition(b"\r\n\r\n")[2]:
        received += car.recv(4096)

    assert time.monotonic() - start < 4
    car.close()


async def test_sockets_that_never_read_hold_nobody_up(servers, outsider):
    server = servers[0]
    bearer = f"Authorization: Bearer {token(outsider)}\r\n\r\n"
    idle = [server.raw("vehicles", "\r\n") for _ in range(75)]
    idle += [server.raw("front/vehicles", bearer) for _ in range(75)]
    idle += [server.raw("vehicles") for _ in range(50)]  # half a handshake

    async with (
        server.socket("front/vehicles", outsider) as board,
        server.socket("vehicles") as sender,
    ):
        await sender.send(registration(38, "R38", packets.RUNNER))
        await told(sender, packets.ACCEPTED)
        for step in range(300):
            await sender.send(client_packets.position(KEY, 38, step, 0))
        start = time.monotonic()
        health = await in_thread(server.request, "GET", "/health")
        while (await told(board, packets.POSITIONS)).records[0][1] != 299:
            pass

    assert health.json() == {"status": "healthy"}
    assert time.monotonic() - start < 5
    while len(await in_thread(stored, 38)) < 300:
        assert time.monotonic() - start < PATIENCE
    for one in idle:
        one.close()


async def test_a_process_stores_what_it_has_in_memory_when_it_ends(servers, outsider):
    with serving() as server:
        await in_thread(wait_for, server)
        async with server.socket("vehicles") as sender:
            await sender.send(registration(39, "P39"))
            await told(sender, packets.ACCEPTED)
            for step in range(200):
                await sender.send(client_packets.position(KEY, 39, step, 0))
            await sender.send(b"?")
            await told(sender, packets.NACK)  # all of them have been taken in
            server.process.send_signal(signal.SIGTERM)
            await in_thread(server.process.wait, PATIENCE)

    assert await in_thread(stored, 39) == list(range(200))
