"""A WebSocket client cheap enough to load a server from the same machine.

Frames are masked with zeros, which the protocol allows: the payload goes out as it is.
Pings are answered; everything else that arrives is handed to a callback.
"""

import asyncio
import base64
import os


class Socket(asyncio.Protocol):
    def __init__(self, path, host, on_frame=None, headers=""):
        self.request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"{headers}\r\n"
        ).encode()
        self.on_frame = on_frame
        self.buffer = b""
        self.open = asyncio.get_running_loop().create_future()
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        self.buffer += data
        if not self.open.done():
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.open.set_exception(ConnectionError(head.decode()))
                return
            self.buffer = rest
            self.open.set_result(None)
        self.take_frames()

    def take_frames(self):
        buffer, start = self.buffer, 0
        while len(buffer) - start >= 2:
            kind, size = buffer[start] & 15, buffer[start + 1]
            body = start + 2
            if size == 126:
                body += 2
                size = int.from_bytes(buffer[start + 2 : body], "big")
            elif size == 127:
                body += 8
                size = int.from_bytes(buffer[start + 2 : body], "big")
            if len(buffer) < body + size:
                break
            payload = buffer[body : body + size]
            start = body + size
            if kind == 9:
                self.transport.write(frame(payload, 10))
            elif kind in (1, 2) and self.on_frame is not None:
                self.on_frame(payload)
        self.buffer = buffer[start:]

    def connection_lost(self, error):
        if not self.open.done():
            self.open.set_exception(error or ConnectionError("closed"))
        if not self.closed.done():
            self.closed.set_result(error)

    def send(self, payload):
        self.transport.write(frame(payload))


def frame(payload, kind=2):
    """Return a client's frame of up to 64 kB."""
    size = len(payload)
    if size < 126:
        return bytes((128 | kind, 128 | size, 0, 0, 0, 0)) + payload
    return bytes((128 | kind, 254)) + size.to_bytes(2, "big") + bytes(4) + payload


async def connect(port, path, on_frame=None, headers=""):
    """Return an open Socket to 127.0.0.1:port."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(
        lambda: Socket(path, f"127.0.0.1:{port}", on_frame, headers),
        *("127.0.0.1", port),
    )
    await socket.open
    return socket
