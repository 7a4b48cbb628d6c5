"""The base consumer: two pumps, who may connect, groups, errors in the socket's way.

Channels' own consumer makes two tasks and a hop to a thread for every message. Here
two pumps live as long as the socket: one reads frames and calls `receive`, one takes
what is to go out, frames and events alike, in order. Database work goes through
`config.realtime.in_thread`, and only there are old connections closed.
"""

import asyncio
import contextlib
import json
import logging
from collections import deque

from config.errors import DomainError, Unavailable
from config.realtime import end, hub, user_group

log = logging.getLogger(__name__)

BAD_REQUEST, SIGNED_OUT, FORBIDDEN, NOT_FOUND = 4400, 4401, 4403, 4404
TURN_FRAMES = 64
REFUSED_SECONDS = 5
TOO_BIG, BROKEN, TOO_SLOW = 1009, 1011, 1013
TRY_LATER = 1013


class Consumer:
    """One socket. A subclass overrides `connect`, `receive`, `left` and event handlers.

    An event of type "vehicles.moved" calls `async def vehicles_moved(self, event)`.
    """

    login_required = True
    # A page can read why it is refused only from a close code after the handshake;
    # everybody else gets a plain HTTP status in the handshake.
    explains_refusal = False
    max_frame_bytes = 1 << 20
    max_queue = 2_000  # frames and events waiting for a slow client
    max_queue_bytes = 32 << 20
    idle_seconds = None  # close a socket that says nothing for so long

    def __init__(self):
        self.outgoing = deque()
        self.outgoing_bytes = 0
        self.wake = asyncio.Event()
        self.busy = False  # the out pump is handling an item
        self.joined = []
        self.accepted = False
        self.closing = None

    @classmethod
    def as_asgi(cls):
        async def application(scope, receive, send):
            await cls()(scope, receive, send)

        return application

    async def __call__(self, scope, receive, send):
        self.scope, self.user = scope, scope["user"]
        self._receive, self._send = receive, send
        await receive()  # websocket.connect
        pump = None
        try:
            if scope.get("try_later"):
                await self.refuse(TRY_LATER)
                return
            if self.login_required and not self.user.is_authenticated:
                await self.refuse(SIGNED_OUT)
                return
            try:
                await self.connect()
            except Refusal as refusal:
                await self.refuse(refusal.code)
                return
            except Unavailable:
                await self.refuse(TRY_LATER)
                return
            except DomainError as error:
                await self.refuse(4000 + error.status)
                return
            if not self.accepted:
                await self.accept()
            pump = asyncio.create_task(self.pump_out())
            if self.user.is_authenticated:
                await self.join(user_group(self.user))
            await self.pump_in()
        except ClientLeft:
            pass
        except Exception:
            log.exception("A socket on %s broke", scope["path"])
            await stop(pump)  # nothing may follow the close
            with contextlib.suppress(Exception):
                await self.refuse(BROKEN)
        finally:
            await stop(pump)
            await self.clean_up()

    async def clean_up(self):
        try:
            for group, listener in self.joined:
                await hub().leave(group, listener)
        finally:
            if self.accepted:
                await self.left()

    # For subclasses

    async def connect(self):
        """Before the handshake is answered; raise Refusal(code) to turn away."""

    async def receive(self, data):
        """Handle one frame: bytes, or str for a text frame."""

    async def left(self):
        """After the socket has gone."""

    def answer_error(self, error):
        """Return the frame that tells the client of a DomainError, or None."""
        return json.dumps(
            {"type": "error", "detail": error.text, "code": error.code},
            ensure_ascii=False,
        )

    async def caught_up(self):
        """Nothing waits to go out any more."""

    # What subclasses call

    async def accept(self):
        message = {"type": "websocket.accept"}
        protocols = self.scope.get("subprotocols", [])
        if protocols and protocols[0].lower() == "bearer":
            message["subprotocol"] = protocols[0]
        self.accepted = True
        await self._give(message)

    async def join(self, group):
        """Listen to a group's events until the socket closes."""
        self.joined.append((group, self.deliver))
        await hub().join(group, self.deliver)

    def deliver(self, event):
        """Queue an event for its handler (the hub calls this)."""
        if event["type"] == "user.left":
            self.user_left()
            return
        frame = event.get("frame", b"")
        self._queue(event, len(frame))

    def send(self, frame):
        """Queue a frame: bytes go out as binary, str as text. Never waits."""
        self._queue(frame, len(frame))

    async def transmit(self, frame):
        """Send past the queue, waiting for a slow client; from event handlers only."""
        kind = "bytes" if isinstance(frame, bytes) else "text"
        await self._give({"type": "websocket.send", kind: frame})

    def close(self, code=1000):
        """Close after what is queued has gone out."""
        if self.closing is None:
            self.closing = code
            self.wake.set()

    # The pumps

    def _queue(self, item, size):
        if self.closing is not None:
            return
        if (
            len(self.outgoing) >= self.max_queue
            or self.outgoing_bytes + size > self.max_queue_bytes
        ):
            self.drop()
            return
        self.outgoing.append((item, size))
        self.outgoing_bytes += size
        self.wake.set()

    async def pump_in(self):
        receive = self._receive
        frames = 0
        while True:
            frames += 1
            if frames % TURN_FRAMES == 0:
                # Many small frames may have arrived in one piece, and receive() does
                # not pause between them: let the other pump and other sockets work.
                await asyncio.sleep(0)
            if self.idle_seconds is None:
                message = await receive()
            else:
                try:
                    message = await asyncio.wait_for(receive(), self.idle_seconds)
                except TimeoutError:
                    self.close()
                    self.idle_seconds = None
                    continue
            if message["type"] == "websocket.disconnect":
                return
            if self.closing is not None:
                continue
            data = message.get("bytes")
            if data is None:
                data = message["text"]
            if len(data) > self.max_frame_bytes:
                log.warning("A frame of %d on %s", len(data), self.scope["path"])
                self.close(TOO_BIG)
                continue
            try:
                await self.receive(data)
            except DomainError as error:
                if frame := self.answer_error(error):
                    self.send(frame)
            if self.outgoing:
                # A burst is read without a pause; its answers must not pile up.
                await asyncio.sleep(0)

    async def pump_out(self):
        outgoing = self.outgoing
        try:
            while True:
                while outgoing:
                    item, size = outgoing.popleft()
                    self.outgoing_bytes -= size
                    self.busy = True
                    if isinstance(item, dict):
                        await self.dispatch(item)
                    else:
                        await self.transmit(item)
                if self.closing is not None:
                    await self._give({"type": "websocket.close", "code": self.closing})
                    return
                self.busy = False
                await self.caught_up()
                if not outgoing and self.closing is None:
                    self.wake.clear()
                    await self.wake.wait()
        except ClientLeft:
            pass  # the other pump is told so too
        except Exception:
            log.exception("Sending on %s failed", self.scope["path"])
            self.drop()

    async def dispatch(self, event):
        handler = getattr(self, event["type"].replace(".", "_"), None)
        if handler is None:
            return  # an event of the group that this socket has no word for
        try:
            await handler(event)
        except ClientLeft:
            raise
        except Unavailable as error:
            # What the event tells cannot be shown; who comes back reads it then.
            log.warning("%s was not shown: %s", event["type"], error)
            self.close(TRY_LATER)
        except Exception:
            log.exception("%s failed on %s", event["type"], type(self).__name__)

    # Ends

    def user_left(self):
        """The user was blocked or deleted, or signed out everywhere.

        Not from the queue: a client that does not read must not put it off.
        """
        self.outgoing.clear()
        self.close(SIGNED_OUT)

    async def refuse(self, code):
        if self.explains_refusal and not self.accepted:
            await self.accept()
            self.accepted = False
            await self._give({"type": "websocket.close", "code": code})
            return
        can_answer = "websocket.http.response" in self.scope.get("extensions", {})
        if self.accepted or not can_answer:
            await self._give({"type": "websocket.close", "code": code})
            return
        headers = [(b"content-type", b"application/json")]
        if code == SIGNED_OUT:
            headers.append((b"www-authenticate", b"Bearer"))
        if code == TRY_LATER:
            headers.append((b"retry-after", b"5"))
        start = {"type": "websocket.http.response.start", "headers": headers}
        await self._give({**start, "status": http_status(code)})
        body = json.dumps({"detail": "Refused.", "code": f"closed_{code}"}).encode()
        await self._give({"type": "websocket.http.response.body", "body": body})
        # uvicorn logs an error when we return before the connection has gone, and tells
        # so twice: when it has answered, and when the client is off.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFUSED_SECONDS):
                await self._receive()
                await self._receive()

    def drop(self):
        """Cut off a client that does not read: a close frame would never reach it."""
        log.warning("A client of %s fell too far behind", self.scope["path"])
        self.closing = TOO_SLOW
        self.outgoing.clear()
        self.outgoing_bytes = 0
        self.wake.set()
        if transport := self.transport():
            transport.abort()

    def transport(self):
        """Return the connection below: ASGI knows no abort, but uvicorn's `send` is a
        method of its protocol. None under other servers."""
        return getattr(getattr(self._send, "__self__", None), "transport", None)

    async def _give(self, message):
        try:
            await self._send(message)
        except OSError as error:
            raise ClientLeft from error
        except RuntimeError as error:
            # Told by a server that has closed the connection on its own account.
            if (transport := self.transport()) and transport.is_closing():
                raise ClientLeft from error
            raise


async def stop(pump):
    if pump is not None:
        await end(pump)


def http_status(code):
    """Return what a close code is in a handshake: 4404 is 404."""
    if code in (BROKEN, TRY_LATER):
        return 500 if code == BROKEN else 503
    return code - 4000 if 4400 <= code < 4600 else FORBIDDEN - 4000


class ClientLeft(Exception):
    """The client left while we were sending to it."""


class Refusal(Exception):
    """Turn a client away in the handshake, with the close code that says why."""

    def __init__(self, code):
        self.code = code
        super().__init__(code)


class UnknownPath(Consumer):
    """Refuses a path that nobody serves, calmly."""

    login_required = False

    async def connect(self):
        raise Refusal(NOT_FOUND)
