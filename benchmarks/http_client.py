"""An HTTP client cheap enough to load a server from the same machine.

One connection, kept alive, one request at a time; answers with a Content-Length only.
"""

import asyncio
import json


class Client:
    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *error):
        self.writer.close()

    async def get(self, path):
        """Return (status, body)."""
        return await self.ask(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )

    async def post(self, path, value):
        """Send JSON; return (status, body)."""
        body = json.dumps(value).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return await self.ask(head.encode() + body)

    async def ask(self, request):
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        start = head.lower().index(b"content-length:") + 15
        length = int(head[start : head.index(b"\r", start)])
        return status, await self.reader.readexactly(length)
