"""Ordinary HTTP: a WSGI application in a thread pool inside an ASGI server.

Why not a2wsgi, which does the same: it keeps one of the pool's threads for as long as a
client takes to read its answer. Here a thread only works. The event loop waits for slow
clients: small bodies are read in before a thread is taken, files are read piece by
piece as the client takes them. What keeps a thread for long has a second pool: bodies
that a program produces or consumes as they flow, and views that wait for other systems.
In the first one few requests run at a time: more than there are cores to run them only
take the interpreter from each other. But one that takes long lets the next one in.
"""

import asyncio
import io
import sys
import tempfile
import threading
from contextlib import asynccontextmanager, nullcontext
from urllib.parse import quote

from django.db import close_old_connections

from config.threads import Threads

READ_IN_BYTES = 1 << 20  # a request body up to this is read before a thread is taken
# WSGI needs to know a body's length, so a chunked one is always read in, to disk. What
# is larger than this must tell its length.
CHUNKED_BYTES = 64 << 20
IN_MEMORY_BYTES = 1 << 18
AT_ONCE = 2  # requests that run, not counting those that took longer than
YOUNG_SECONDS = 0.05
PIECE_BYTES = 1 << 17
FLOW_PIECES = 8  # how far a flowing body may run ahead
# A sender that is silent for so long is gone: without this, lines that died unnoticed
# would hold the threads that wait for them, until there is none left.
SILENT_SECONDS = 60


class FileBody:
    """PEP 3333's file wrapper: tells the bridge that the body is a file."""

    def __init__(self, file, block_size=PIECE_BYTES):
        self.file = file
        self.block_size = max(block_size, PIECE_BYTES)

    def __iter__(self):
        while piece := self.file.read(self.block_size):
            yield piece

    def close(self):
        _close(self.file)


class ClientGone(OSError):
    """The client left before its request was complete."""


class TooLong(Exception):
    """A chunked body is longer than CHUNKED_BYTES."""


class Gate:
    """Lets in a few at a time, in order; who stays long counts no more."""

    def __init__(self):
        self.loop = self.places = None

    @asynccontextmanager
    async def turn(self):
        loop = asyncio.get_running_loop()
        if loop is not self.loop:  # the first one; tests go on to others
            self.loop, self.places = loop, asyncio.Semaphore(AT_ONCE)
        await self.places.acquire()
        is_young = True

        def grow():
            nonlocal is_young
            is_young = False
            self.places.release()

        timer = loop.call_later(YOUNG_SECONDS, grow)
        try:
            yield
        finally:
            timer.cancel()
            if is_young:
                self.places.release()


class WSGIBridge:
    """ASGI application that answers with a WSGI application.

    waits(path) tells whether the view of a path waits for another system.
    """

    def __init__(self, application, threads, stream_threads, waits=lambda path: False):
        self.application = application
        self.waits = waits
        self.gate = Gate()
        self.threads = Threads(threads, "http")
        self.streams = Threads(stream_threads, "stream")

    async def __call__(self, scope, receive, send):
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > READ_IN_BYTES:
            await self.flowing(scope, receive, send)
            return
        try:
            body = await read_in(receive)
        except ClientGone:
            return
        except TooLong:
            await _refuse_too_long(send)
            return
        pool = self.streams if self.waits(scope["path"]) else self.threads
        with body:
            await self.exchange(scope, body, receive, send, pool)

    async def run(self, function, *args):
        """Return function(*args), run on a thread in its turn, like a request."""
        async with self.gate.turn():
            return await _work(self.threads, function, *args)

    async def flowing(self, scope, receive, send):
        """Serve a request whose large body is consumed while it arrives."""
        body = FlowingBody(asyncio.get_running_loop())
        gone = asyncio.ensure_future(body.feed(receive))
        buffered = io.BufferedReader(body, PIECE_BYTES)
        try:
            await self.exchange(scope, buffered, receive, send, self.streams, gone)
        finally:
            gone.cancel()

    async def exchange(self, scope, body, receive, send, pool, gone=None):
        """Answer one request; the future `gone` is done once the client has left."""
        response = Response()
        async with self.gate.turn() if pool is self.threads else nullcontext():
            answer = await _work(pool, self.call, environ_of(scope, body), response)
        if isinstance(answer, bytes):
            await send(response.head())
            await send(_piece(answer, last=True))
        elif scope["method"] == "HEAD":
            await _work(self.threads, _close, answer)
            await send(response.head())
            await send(_piece(b"", last=True))
        else:
            gone = gone or asyncio.ensure_future(_departure(receive))
            stream = self.send_file if isinstance(answer, FileBody) else self.send_flow
            try:
                await stream(response, answer, gone, send)
            finally:
                gone.cancel()

    def call(self, environ, response):
        """Return the application's body: bytes when it is whole, else the iterable."""
        body = self.application(environ, response.start)
        if getattr(body, "streaming", not isinstance(body, list | tuple)):
            return body
        try:
            return b"".join(body)
        finally:
            _close(body)

    async def send_file(self, response, body, gone, send):
        try:
            await send(response.head())
            # To a client that has left, `send` is silent and would take all we have.
            while not gone.done():
                piece = await _work(self.threads, body.file.read, body.block_size)
                if not piece:
                    await send(_piece(b"", last=True))
                    return
                await send(_piece(piece))
        finally:
            await _work(self.threads, body.close)

    async def send_flow(self, response, iterable, gone, send):
        """Send what a generator yields; it stays on one thread, its end included."""
        loop = asyncio.get_running_loop()
        pieces = asyncio.Queue()
        room = threading.Semaphore(FLOW_PIECES)
        over = threading.Event()

        def produce():
            try:
                for piece in iterable:
                    room.acquire()
                    if over.is_set():
                        return
                    loop.call_soon_threadsafe(pieces.put_nowait, piece)
            finally:
                _close(iterable)

        producer = _work(self.streams, produce)
        for end in (producer, gone):
            end.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            await send(response.head())
            while (piece := await pieces.get()) is not None:
                await send(_piece(piece))
                room.release()
            if not gone.done():
                await producer
                await send(_piece(b"", last=True))
        finally:
            over.set()
            room.release()


def _work(pool, function, *args):
    """Return the future of a call on a thread of the pool.

    Whatever a thread did, it keeps no database connection: the next job of the same
    request may come to another thread, and Django's own tidying up with it.
    """

    def work():
        try:
            return function(*args)
        finally:
            close_old_connections()

    return pool.run(work)


def _close(body):
    # Django's request_finished hangs on close().
    if hasattr(body, "close"):
        body.close()


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
        """Take the body in; return when the client has left."""
        complete = False
        while (message := await receive())["type"] != "http.disconnect":
            if body := message.get("body", b""):
                await self.pieces.put(body)
            if not complete and not message.get("more_body", False):
                complete = True
                await self.pieces.put("complete")
        if not complete:
            await self.pieces.put("gone")

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self.rest and self.end is None:
            get = asyncio.run_coroutine_threadsafe(self.pieces.get(), self.loop)
            try:
                piece = get.result(SILENT_SECONDS)
            except TimeoutError:
                get.cancel()
                piece = "gone"
            if isinstance(piece, bytes):
                self.rest = memoryview(piece)
            else:
                self.end = piece
        if self.end == "gone":
            raise ClientGone
        size = min(len(buffer), len(self.rest))
        buffer[:size] = self.rest[:size]
        self.rest = self.rest[size:]
        return size


async def read_in(receive):
    """Return the whole body as a file; raise ClientGone or TooLong."""
    message = await _request_message(receive)
    if not message.get("more_body", False):
        return io.BytesIO(message.get("body", b""))
    body = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115
    try:
        while True:
            body.write(message.get("body", b""))
            if not message.get("more_body", False):
                body.seek(0)
                return body
            if body.tell() > CHUNKED_BYTES:
                raise TooLong
            message = await _request_message(receive)
    except BaseException:
        body.close()
        raise


async def _request_message(receive):
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


async def _departure(receive):
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse_too_long(send):
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    start = {"type": "http.response.start", "status": 413, "headers": headers}
    await send(start)
    text = b'{"detail": "Send this with a Content-Length.", "code": "too_long"}'
    await send(_piece(text, last=True))


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
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileBody,
    }
    for key, value in scope["headers"]:
        if b"_" in key:
            continue  # would pass for the header with a hyphen, which proxies guard
        name = key.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        # Only cookies come in several lines that a semicolon joins.
        glue = "; " if name == "HTTP_COOKIE" else ","
        environ[name] = f"{environ[name]}{glue}{text}" if name in environ else text
    if "HTTP_TRANSFER_ENCODING" in environ and "CONTENT_LENGTH" not in environ:
        environ["CONTENT_LENGTH"] = str(_size(body))
    return environ


def _size(file):
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size
