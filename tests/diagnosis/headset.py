"""A headset to test with: the contract's socket, by the whole application."""

import asyncio
import json

WAIT_SECONDS = 3


class Headset:
    """One socket of a patient's headset, with the verbs of a conversation."""

    def __init__(self, communicator):
        self.socket = communicator

    async def connect(self):
        """Return whether the handshake succeeds, and the HTTP status or close code."""
        return await self.socket.connect()

    async def send(self, action, **data):
        await self.socket.send_to(json.dumps({"action": action, "data": data}))

    async def receive(self):
        """Return the next frame's action and data."""
        frame = json.loads(await self.socket.receive_from(WAIT_SECONDS))
        assert list(frame) == ["action", "data"]
        return frame["action"], frame["data"]

    async def is_quiet(self, seconds=0.2):
        return await self.socket.receive_nothing(seconds, 0.01)

    async def closed(self):
        """Return the code that the server closes with."""
        message = await self.socket.receive_output(WAIT_SECONDS)
        assert message["type"] == "websocket.close", message
        return message["code"]

    async def leave(self):
        await self.socket.disconnect()


async def eventually(condition, seconds=5):
    """Wait until the coroutine function returns something true; tell whether."""
    for _attempt in range(int(seconds / 0.05)):
        if await condition():
            return True
        await asyncio.sleep(0.05)
    return False
