"""The recorded conversation of contracts: the same frames, the same answers."""

import asyncio
import json
from pathlib import Path

import pytest

from roadblock import packets

RECORDED = json.loads((Path(__file__).parent / "frames.json").read_text())
# Where the product answers and the original was silent.
ANSWERED = {13: "nack", 14: "nack"}
CHANNELS = {
    "sender": None,
    "other_vehicle_socket": "/roadblock/ws/vehicles",
    "other_event_socket": "/roadblock/ws/events",
    "vehicle_dashboard": "/roadblock/ws/front/vehicles",
    "event_dashboard": "/roadblock/ws/front/events",
}


async def received(socket, seconds=0.35):
    """Return all frames that a socket gets until it is silent, without 0xA1."""
    frames = []
    while not await socket.receive_nothing(seconds, 0.01):
        frame = await socket.receive_from()
        if frame[0] != packets.ACCEPTED:
            frames.append(frame)
    return frames


@pytest.mark.django_db(transaction=True, reset_sequences=True)
async def test_recorded_conversation(socket, boss):
    sockets = {
        name: socket(path, boss if "front" in path else None)
        for name, path in CHANNELS.items()
        if path
    }
    senders = {
        path: socket(f"/roadblock{path}") for path in ("/ws/vehicles", "/ws/events")
    }
    for one in [*sockets.values(), *senders.values()]:
        connected, _ = await one.connect()
        assert connected
    # A snapshot that is late would show the first car a second time.
    fresh = await asyncio.gather(*(received(s, seconds=1) for s in sockets.values()))
    assert fresh == [[]] * len(sockets)

    for step in RECORDED["steps"]:
        sender = senders[step["channel"]]
        await sender.send_to(bytes_data=bytes.fromhex(step["send"]))
        got = dict(
            zip(
                ["sender", *sockets],
                await asyncio.gather(
                    received(sender), *(received(s) for s in sockets.values())
                ),
                strict=True,
            )
        )
        for name, frames in got.items():
            expected = [
                bytes.fromhex(one["hex"]) for one in step["receive"].get(name, [])
            ]
            if name == "sender" and ANSWERED.get(step["step"]) == "nack":
                expected = [packets.nack(b"test-secret", packets.Nack.FORMAT)]
            if name == "other_event_socket" and step["step"] == 2:
                expected = [bytes.fromhex(step["receive"]["sender"][0]["hex"])]
            if expected and expected[0][0] == packets.CHASE_STARTED:
                # It holds the time of the run.
                expected = [frame[:6] for frame in expected]
                frames = [frame[:6] for frame in frames]
            assert frames == expected, (step["step"], step["name"], name)
        if step["step"] == 2:
            # Ours announces the chase to event sockets too, the next sender among them.
            assert len(await received(senders["/ws/events"])) == 1
