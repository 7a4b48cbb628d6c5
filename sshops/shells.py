"""A shell on a server: its bytes in a ring, and those who look at it.

A thread reads the SSH channel, records, and writes into the ring. Viewers read from the
ring, each at an offset of its own, so that one who comes back goes on where it was, and
a slow one does not hold up the others. Only the writer, whose keys go in, is waited
for: the thread stays at most AHEAD bytes in front of what the writer's browser has
taken, so that SSH's own flow control stops the program on the server. Without a writer
nobody is waited for, and the shell works on.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import paramiko
from django.conf import settings

from sshops.recordings import CannotRecord
from sshops.ring import Ring

log = logging.getLogger(__name__)

READ_BYTES = 1 << 16
AHEAD = 1 << 18
INPUT_BYTES = 1 << 20  # typed or pasted, and not yet taken by the server
EXIT_SECONDS = 2

# Sending to a server may wait for it.
_threads = ThreadPoolExecutor(64, thread_name_prefix="keys")


class Shell:
    """An open shell. What is not said to be the thread's belongs to the event loop."""

    def __init__(self, terminal, connection, channel, recorder, on_end):
        self.terminal = terminal
        self.connection = connection
        self.channel = channel
        self.recorder = recorder
        self.on_end = on_end
        self.cols, self.rows = terminal.cols, terminal.rows
        # Never so small that the writer is overtaken by what is read ahead.
        self.ring = Ring(max(settings.SSHOPS_SCROLLBACK_BYTES, AHEAD + READ_BYTES))
        self.viewers = set()
        self.writer = None
        self.alone_since = time.monotonic()
        self.end_reason = None
        self.exit_status = None
        self.is_over = False  # no byte will follow
        self.loop = asyncio.get_running_loop()
        self.room = threading.Condition()  # guards ring, writer.sent and is_woken
        self.is_woken = False
        self.noting = asyncio.Lock()  # what is stored of it, in order
        self.input = deque()
        self.input_bytes = 0
        self.sending = None
        self.thread = threading.Thread(
            target=self._read, name=f"shell-{terminal.pk}", daemon=True
        )
        self.thread.start()

    # The thread

    def _read(self):
        reason = "lost"
        try:
            while data := self.channel.recv(READ_BYTES):
                self.recorder.output(data)
                with self.room:
                    self.room.wait_for(self._has_room)
                    self.ring.write(data)
                    wake, self.is_woken = not self.is_woken, True
                if wake:
                    self.loop.call_soon_threadsafe(self._wake)
            self.channel.status_event.wait(EXIT_SECONDS)
            if self.channel.exit_status >= 0:
                self.exit_status, reason = self.channel.exit_status, "exit"
            elif self.connection.is_alive:
                reason = "closed"
        except CannotRecord:
            reason = "not_recorded"
        except Exception:
            log.exception("A shell on %s broke", self.terminal.server_id)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop has gone
                self.loop.call_soon_threadsafe(self._over, reason)

    def _has_room(self):
        writer = self.writer
        ahead = 0 if writer is None else self.ring.end - writer.sent
        return ahead < AHEAD or self.end_reason is not None

    # Viewers

    def _wake(self):
        self.is_woken = False
        for viewer in self.viewers:
            viewer.wake.set()

    def read(self, offset, most):
        """Return (offset, bytes): of what lies there, or where the ring begins now."""
        with self.room:
            offset = max(offset, self.ring.start)
            return offset, self.ring.read(offset, most)

    def took(self, viewer, sent):
        """Note how far a viewer has come: the thread may read on."""
        with self.room:
            viewer.sent = sent
            if viewer is self.writer:
                self.room.notify_all()

    def attach(self, viewer, offset):
        """Let a viewer look, from an offset that it has seen or from the first line."""
        with self.room:
            known = offset and self.ring.start <= offset <= self.ring.end
            viewer.sent = viewer.acked = offset if known else self.ring.line_start()
        self.viewers.add(viewer)

    def detach(self, viewer):
        self.viewers.discard(viewer)
        if self.writer is viewer:
            self.hand_over(None)

    def hand_over(self, viewer):
        """Let a viewer type instead of who did, or nobody."""
        with self.room:
            before, self.writer = self.writer, viewer
            self.room.notify_all()
        if before is not viewer and before in self.viewers:
            before.tell({"type": "taken"})
        self.alone_since = None if viewer else time.monotonic()

    def tell(self, message):
        for viewer in self.viewers:
            viewer.tell(message)

    # To the server

    def send(self, data):
        """Type; tell whether there was room for it."""
        if self.input_bytes + len(data) > INPUT_BYTES:
            return False
        self._later(len(data), self.channel.sendall, data)
        return True

    def resize(self, cols, rows):
        if (cols, rows) == (self.cols, self.rows):
            return
        self.cols, self.rows = cols, rows
        self.tell({"type": "resized", "cols": cols, "rows": rows})
        self._later(0, self._resize, cols, rows)

    def _resize(self, cols, rows):
        self.channel.resize_pty(cols, rows)
        self.recorder.resize(cols, rows)

    def _later(self, size, function, *args):
        self.input_bytes += size
        self.input.append((size, function, args))
        if self.sending is None:
            self.sending = asyncio.ensure_future(self._send_all())

    async def _send_all(self):
        """Work off, in a thread and in order, what goes to the server."""
        try:
            while self.input and not self.is_over:
                size, function, args = self.input.popleft()
                with contextlib.suppress(OSError, paramiko.SSHException):
                    await self.loop.run_in_executor(_threads, function, *args)
                self.input_bytes -= size
        except CannotRecord:
            self.end("not_recorded")
        finally:
            self.sending = None

    # The end

    def end(self, reason):
        """Hang up: the shell gets SIGHUP. The thread then tells that it is over."""
        with self.room:
            self.end_reason = self.end_reason or reason
            self.room.notify_all()
        _threads.submit(self.connection.close)

    def _over(self, reason):
        with self.room:
            self.is_over = True
        self.end_reason = self.end_reason or reason
        _threads.submit(self.connection.close)
        for viewer in self.viewers:
            viewer.wake.set()
        self.on_end(self)
