"""A client of the stub's socket."""

import json

from channels.testing import WebsocketCommunicator

PATH = "/sshops/ws/v1/stub"


class Client:
    """Says and hears JSON; what was heard stays in `heard`."""

    def __init__(self, communicator: WebsocketCommunicator):
        self.communicator = communicator
        self.heard = []
        self.id = None

    async def join(self):
        """Connect and return the welcome."""
        connected, _protocol = await self.communicator.connect(10)
        assert connected
        welcome = await self.hear("welcome")
        self.id = welcome["connection_id"]
        return welcome

    async def say(self, type, data=None, **fields):
        message = {"type": type, **fields}
        if data is not None:
            message["data"] = data
        await self.communicator.send_to(text_data=json.dumps(message))

    async def next(self, seconds=10):
        message = json.loads(await self.communicator.receive_from(seconds))
        self.heard.append(message)
        return message

    async def hear(self, *types, seconds=10):
        """Return the next message of one of these types; others are only noted."""
        while (message := await self.next(seconds))["type"] not in types:
            pass
        return message

    async def fails(self, type, data=None, **fields):
        """Say something and return the code of the error it leads to."""
        await self.say(type, data, **fields)
        return (await self.hear("error"))["error_code"]

    async def runs(self, server, command, **fields):
        """Run a command; return its output and how it ended."""
        self.heard.clear()
        await self.say(
            "ssh_command", {"server_name": server.name, "command": command, **fields}
        )
        end = await self.hear("complete", "error", seconds=30)
        return self.output, end

    async def hears_nothing(self):
        assert await self.communicator.receive_nothing(0.3)

    @property
    def output(self):
        return "".join(m["data"] for m in self.heard if m["type"] == "output")

    @property
    def types(self):
        return [message["type"] for message in self.heard]

    async def leave(self):
        await self.communicator.disconnect(timeout=10)
