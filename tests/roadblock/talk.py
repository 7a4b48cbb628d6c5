"""How tests speak with the sockets of vehicles and dashboards."""

import asyncio
import time

from roadblock import client_packets, packets

KEY = b"test-secret"
PATIENCE = 10  # seconds; only a failing test waits so long


async def told(socket):
    """Return the next frame, its signature checked, as client_packets decode it."""
    return client_packets.decode(await socket.receive_from(PATIENCE), KEY)


async def told_times(socket, times):
    return [await told(socket) for _ in range(times)]


async def when(condition):
    """Wait until a condition holds; return what it says then."""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return result


async def say(socket, frame):
    """Send a frame; bytes may be empty."""
    kind = "text" if isinstance(frame, str) else "bytes"
    await socket.send_input({"type": "websocket.receive", kind: frame})


async def register(socket, number, name, kind=packets.POLICE):
    """Register a car; return once it counts. Other frames are passed over."""
    await say(socket, client_packets.registration(KEY, number, kind, name))
    while (answer := await told(socket)).type != packets.ACCEPTED:
        assert answer.type != packets.NACK, answer


async def drive(socket, number, x, y):
    await say(socket, client_packets.position(KEY, number, x, y))


def accepted(number):
    return client_packets.Named(packets.ACCEPTED, number)


def nack(code):
    return client_packets.Coded(packets.NACK, code)


def positions(map_id, *records):
    return client_packets.Positions(packets.POSITIONS, map_id, list(records))


def registered(vehicle):
    """What dashboards are told of a vehicle's registration."""
    kind = packets.POLICE if vehicle.is_police else packets.RUNNER
    return client_packets.Registered(
        packets.REGISTERED, vehicle.pk, vehicle.vehicle_id, kind, vehicle.car_name
    )


def status(vehicle, fuel=100, collisions=0, level=0):
    return client_packets.Status(packets.STATUS, vehicle.pk, collisions, level, fuel)


def named(type, id):
    return client_packets.Named(type, id)


def pair(type, catcher, runner):
    return client_packets.Pair(type, catcher, runner)
