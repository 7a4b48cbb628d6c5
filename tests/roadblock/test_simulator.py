"""The simulator against a small server that speaks the protocol over real sockets."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from roadblock import packets, simulator
from roadblock.courses import Course
from roadblock.driving import FLEE, Fleet
from roadblock.packets import (
    CatchReport,
    Nack,
    OrderReport,
    PositionReport,
    Refused,
    Registration,
    StatusReport,
)
from roadblock.simulator import Simulator
from tests.roadblock.streets import grid

KEY = b"test-secret"
FIRST_ID = 9001


class Server:
    """Notes what comes in on each connection; announces chases, confirms catches."""

    def __init__(self):
        self.conversations = []  # (path, [packet]) of each connection
        self.sockets = set()
        self.refused = 0

    async def handle(self, socket):
        said = []
        self.conversations.append((socket.request.path, said))
        self.sockets.add(socket)
        with suppress(ConnectionClosed):
            async for frame in socket:
                try:
                    said.append(packets.parse(frame, lambda vehicle_id: KEY))
                except Refused:
                    self.refused += 1
                else:
                    await self.answer(socket, said[-1])
        self.sockets.discard(socket)

    async def answer(self, socket, packet):
        match packet:
            case Registration(vehicle_id, packets.RUNNER):
                await socket.send(packets.accepted(KEY, vehicle_id))
                await socket.send(packets.chase_started_for_vehicles(KEY, vehicle_id))
            case CatchReport("catch", catcher, runner):
                await socket.send(packets.caught(KEY, catcher, runner))

    def heard(self, kind):
        return [
            packet
            for _, said in self.conversations
            for packet in said
            if isinstance(packet, kind)
        ]

    @asynccontextmanager
    async def listening(self, port=0):
        async with serve(self.handle, "127.0.0.1", port) as listener:
            self.port = listener.sockets[0].getsockname()[1]
            yield self


@pytest.fixture(autouse=True)
def quick_start(monkeypatch):
    monkeypatch.setattr(simulator, "HEAD_START", 0.05)
    monkeypatch.setattr(simulator, "FIRST_DELAY", 0.05)


@pytest.fixture
def lines():
    return []


@pytest.fixture
def simulate(lines):
    course = Course(grid(3, 3))

    def make(server, *, police=2, runners=1, hz=20, query=""):
        return Simulator(
            Fleet(course, police=police, runners=runners, seed=1),
            url=f"ws://127.0.0.1:{server.port}/roadblock{query}",
            key=KEY,
            hz=hz,
            first_id=FIRST_ID,
            prefix="DEMO",
            report=lines.append,
        )

    return make


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


async def test_each_car_registers_first(simulate):
    async with Server().listening() as server:
        await simulate(server).run(0.5)

    cars = {}
    for path, said in server.conversations:
        if said:
            assert path == "/roadblock/ws/vehicles"
            cars[said[0].vehicle_id] = said
    assert {number: said[0] for number, said in cars.items()} == {
        9001: Registration(9001, packets.POLICE, "DEMO P1"),
        9002: Registration(9002, packets.POLICE, "DEMO P2"),
        9003: Registration(9003, packets.RUNNER, "DEMO R1"),
    }
    for number, said in cars.items():
        assert {packet.vehicle_id for packet in said} == {number}
        assert len([x for x in said if isinstance(x, Registration)]) == 1
    assert server.refused == 0  # all signatures were right


async def test_positions_come_at_the_wanted_rate(simulate):
    async with Server().listening() as server:
        await simulate(server, police=1, runners=0, hz=50).run(1.05)

    count = len(server.heard(PositionReport))
    assert 35 <= count <= 52


async def test_cars_move(simulate):
    async with Server().listening() as server:
        await simulate(server, police=1, runners=0).run(1.5)

    places = server.heard(PositionReport)
    assert (places[0].x, places[0].y) != (places[-1].x, places[-1].y)


async def test_status_is_sent_for_police_and_only_when_it_changed(simulate):
    async with Server().listening() as server:
        await simulate(server).run(0.6)

    assert sorted(server.heard(StatusReport), key=lambda x: x.vehicle_id) == [
        StatusReport(9001, 100, 0, 0),
        StatusReport(9002, 100, 0, 0),
    ]


async def test_a_dropped_car_comes_back_and_registers_again(simulate):
    async with Server().listening() as server:
        driving = asyncio.create_task(simulate(server, police=1, runners=0).run(30))
        await until(lambda: server.heard(PositionReport))
        for socket in set(server.sockets):
            socket.transport.abort()
        await until(lambda: len(server.heard(Registration)) == 2)
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)


async def test_cars_wait_for_a_server_that_is_away(simulate):
    async with Server().listening() as server:
        simulation = simulate(server)
        driving = asyncio.create_task(simulation.run())
        await until(lambda: simulation.connected == 4)
    await until(lambda: "0 of 4 sockets" in simulation.summary())
    await until(lambda: "last trouble" in simulation.summary())

    async with Server().listening(server.port) as second:
        await until(lambda: len(second.heard(Registration)) == 3)
        await until(lambda: len(second.heard(PositionReport)) > 3)
        simulation.stop()
        await driving


async def test_chase_catch_rest_and_restart(simulate, monkeypatch):
    monkeypatch.setattr(simulator, "REST_SECONDS", 0.3)
    async with Server().listening() as server:
        simulation = simulate(server, police=1)
        monkeypatch.setattr(
            simulation.fleet,
            "contacts",
            lambda: [(0, 1)] if simulation.fleet._paces[1] == FLEE else [],
        )
        driving = asyncio.create_task(simulation.run())
        await until(lambda: simulation.catches == 2)
        simulation.stop()
        await driving

    paths = {path for path, said in server.conversations if CATCH in said}
    assert paths == {"/roadblock/ws/events"}
    assert server.heard(CatchReport) == [CATCH, CATCH]
    runner = Registration(9002, packets.RUNNER, "DEMO R1")
    assert server.heard(Registration).count(runner) == 2


async def test_police_obey_and_confirm_orders(simulate):
    async with Server().listening() as server:
        simulation = simulate(server)
        driving = asyncio.create_task(simulation.run())
        await until(lambda: simulation.connected == 4)
        order = packets.placement(KEY, 9002, 9003, 120.0, 120.0, 90.0)
        for socket in set(server.sockets):  # each car hears the orders of all
            await socket.send(order)
        await until(lambda: server.heard(OrderReport))
        simulation.stop()
        await driving

    assert server.heard(OrderReport) == [
        OrderReport(9002, packets.command_of(order), False)
    ]
    assert set(simulation.fleet._posts) == {1}
    assert server.refused == 0


CATCH = CatchReport("catch", FIRST_ID, FIRST_ID + 1)


async def test_somebody_elses_frames_are_passed_over(simulate):
    async with Server().listening() as server:
        simulation = simulate(server)
        driving = asyncio.create_task(simulation.run())
        await until(lambda: simulation.connected == 4)
        for socket in set(server.sockets):
            await socket.send("text")
            await socket.send(b"")
            await socket.send(b"\x77junk")
            await socket.send(packets.nack(b"another key", Nack.DATA))
            await socket.send(packets.runner_position(KEY, 12, 1, 2))
            await socket.send(packets.caught(KEY, 3, 12))
            await socket.send(packets.nack(KEY, Nack.DATA))
        await until(lambda: simulation.nacks.total() == 4)
        simulation.stop()
        await driving

    assert simulation.nacks == {Nack.DATA: 4}
    assert simulation.catches == 0


async def test_summary_at_the_end(simulate, lines):
    async with Server().listening() as server:
        await simulate(server).run(0.5)

    (line,) = lines
    frames = sum(len(said) for _, said in server.conversations)
    sent = int(line.split()[0])
    assert line == f"{sent} frames sent, 0 NACKs, 0 catches, 4 of 4 sockets connected"
    assert frames == pytest.approx(sent, abs=4)  # some may be on their way at the end


async def test_query_goes_with_every_path(simulate):
    async with Server().listening() as server:
        await simulate(server, query="?token=abc").run(0.3)

    assert {path for path, _ in server.conversations} == {
        "/roadblock/ws/vehicles?token=abc",
        "/roadblock/ws/events?token=abc",
    }


async def test_stop_ends_at_once(simulate):
    async with Server().listening() as server:
        simulation = simulate(server, police=50)
        driving = asyncio.create_task(simulation.run())
        await until(lambda: simulation.connected == 52)
        simulation.stop()
        async with asyncio.timeout(2):
            await driving
        await until(lambda: not server.sockets)
