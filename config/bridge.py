"""Ordinary HTTP: a WSGI application in a thread pool inside an ASGI server.

Why not a2wsgi, which does the same: it keeps one of the pool's threads for as long as a
client takes to read its answer. Here a thread only works. The event loop waits for slow
clients: small bodies are read in before a thread is taken, files are read piece by
piece as the client takes them, and only bodies that a program produces or consumes as
they flow keep a thread, out of a second pool made for that.
"""

import asyncio
import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

READ_IN_BYTES = 1 << 20  # a request body up to this is read before a thread is taken
IN_MEMORY_BYTES = 1 << 18
PIECE_BYTES = 1 << 17
FLOW_PIECES = 8  # how far a flowing body may run ahead


class FileBody:
    """PEP 3333's file wrapper: tells the bridge that the body is a file."""

    def __init__(self, file, block_size=PIECE_BYTES):
        self.file = file
        self.block_size = max(block_size, PIECE_BYTES)

    def __iter__(self):
        while piece := self.file.read(self.block_size):
            yield piece

    def close(self):
        if hasattr(self.file, "close"):
            self.file.close()


class ClientGone(OSError):
    """The client left before its request was complete."""


class WSGIBridge:
    """ASGI application that answers with a WSGI application."""

    def __init__(self, application, threads, stream_threads):
        self.application = application
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="http")
        self.streams = ThreadPoolExecutor(stream_threads, thread_name_prefix="stream")

    async def __call__(self, scope, receive, send):
        length = _header(scope, b"content-length")
        chunked = _header(scope, b"transfer-encoding") != b""
        if chunked or (length.isdigit() and int(length) > READ_IN_BYTES):
            await self.flowing(scope, receive, send)
            return
        body = await _read_in(receive)
        if body is None:
            return
        await self.exchange(scope, body, send, self.threads)

    async def flowing(self, scope, receive, send):
        """Serve a request whose large body is consumed while it arrives."""
        body = FlowingBody(asyncio.get_running_loop())
        feeder = asyncio.create_task(body.feed(receive))
        try:
            await self.exchange(scope, body, send, self.streams)
        finally:
            feeder.cancel()

    async def exchange(self, scope, body, send, pool):
        loop = asyncio.get_running_loop()
        response = Response()
        environ = environ_of(scope, body)
        iterable = await loop.run_in_executor(
            pool, self.application, environ, response.start
        )
        try:
            if isinstance(iterable, FileBody):
                await self.send_file(response, iterable, send)
            elif getattr(iterable, "streaming", True):
                await self.send_flowing(response, iterable, send)
            else:
                await send(response.head())
                await send(_piece(b"".join(iterable), last=True))
        finally:
            # Django's request_finished hangs on close(), and gives the connection back.
            if hasattr(iterable, "close"):
                await loop.run_in_executor(pool, iterable.close)

    async def send_file(self, response, body, send):
        loop = asyncio.get_running_loop()
        await send(response.head())
        while piece := await loop.run_in_executor(
            self.threads, body.file.read, body.block_size
        ):
            await send(_piece(piece))
        await send(_piece(b"", last=True))

    async def send_flowing(self, response, iterable, send):
        """Send what a generator yields; it stays on one thread."""
        loop = asyncio.get_running_loop()
        pieces = asyncio.Queue(FLOW_PIECES)
        gone = False

        def produce():
            try:
                for piece in iterable:
                    if gone:
                        return
                    asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
            finally:
                loop.call_soon_threadsafe(asyncio.ensure_future, pieces.put(None))

        producer = loop.run_in_executor(self.streams, produce)
        try:
            await send(response.head())
            while (piece := await pieces.get()) is not None:
                await send(_piece(piece))
            await producer
            await send(_piece(b"", last=True))
        finally:
            gone = True
            while not producer.done():
                # Unblock a producer that waits for room in the queue.
                while not pieces.empty():
                    pieces.get_nowait()
                await asyncio.sleep(0.01)


class Response:
    """Collects what WSGI's start_response is told."""

    status = 500
    headers = ()

    def start(self, status, headers, exc_info=None):
        self.status = int(status.split(" ", 1)[0])
        self.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers
        ]

    def head(self):
        return {
            "type": "http.response.start",
            "status": self.status,
            "headers": self.headers,
        }


class FlowingBody(io.RawIOBase):
    """A request body that a thread reads while the event loop receives it."""

    def __init__(self, loop):
        self.loop = loop
        self.pieces = asyncio.Queue(FLOW_PIECES)
        self.rest = b""
        self.end = None  # how it ended, once it has

    async def feed(self, receive):
        end = "complete"
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                end = "gone"
                break
            if body := message.get("body", b""):
                await self.pieces.put(body)
            if not message.get("more_body", False):
                break
        await self.pieces.put(end)

    def read(self, size=-1):
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(PIECE_BYTES), b""))
        if not self.rest and self.end is None:
            get = asyncio.run_coroutine_threadsafe(self.pieces.get(), self.loop)
            piece = get.result()
            if isinstance(piece, bytes):
                self.rest = piece
            else:
                self.end = piece
        if self.end == "gone":
            raise ClientGone
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


async def _read_in(receive):
    """Return the whole body as a file, or None when the client left."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    if not message.get("more_body", False):
        return io.BytesIO(message.get("body", b""))
    body = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115
    while True:
        body.write(message.get("body", b""))
        if not message.get("more_body", False):
            body.seek(0)
            return body
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            return None


def _piece(data, last=False):
    return {"type": "http.response.body", "body": data, "more_body": not last}


def _header(scope, name):
    return next((value for key, value in scope["headers"] if key == name), b"")


def environ_of(scope, body):
    """Return the WSGI environment of an ASGI HTTP scope (PEP 3333)."""
    server = scope.get("server") or ("localhost", 80)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "RAW_URI": scope.get("raw_path", quote(scope["path"]).encode()).decode(
            "latin-1"
        ),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileBody,
    }
    for key, value in scope["headers"]:
        name = key.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        # Only cookies come in several lines that a semicolon joins.
        glue = "; " if name == "HTTP_COOKIE" else ","
        environ[name] = f"{environ[name]}{glue}{text}" if name in environ else text
    return environ
