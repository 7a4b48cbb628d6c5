"""The process that hosts terminals: `manage.py host_terminals`.

Shells live here, apart from the web processes: one of those may be replaced, or be
killed, and the browser that comes back, to whichever, finds its shell. See host_link
for what goes over the socket between them.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import deque
from functools import partial

import paramiko
from django.conf import settings

from config.errors import DomainError
from config.realtime import end as cancel
from config.realtime import in_thread
from sshops import connections, recordings, terminals
from sshops.errors import ChannelRefused
from sshops.host_link import BUFFER_BYTES, frame_of, parts_of, read_frame
from sshops.shells import Shell

log = logging.getLogger(__name__)

PIECE_BYTES = 1 << 16
WINDOW_BYTES = 1 << 20  # sent to a browser and not yet acknowledged
SMALLEST_BYTES = 1 << 12  # no smaller piece for want of window
WATCH_SECONDS = 1
STOP_SECONDS = 5


class Viewer:
    """A browser's view of a shell: how far it is, and what is to be told."""

    def __init__(self, stream):
        self.stream = stream
        self.sent = self.acked = 0
        self.wake = asyncio.Event()
        self.messages = deque()

    def tell(self, message):
        self.messages.append(message)
        self.wake.set()

    def acknowledge(self, offset):
        self.acked = min(max(self.acked, offset), self.sent)
        self.wake.set()

    async def pump(self, shell):
        """Send what the shell shows, as far as the browser keeps up, to the end."""
        while True:
            self.wake.clear()
            while self.messages:
                self.stream.write(frame_of(self.messages.popleft()))
            piece = b""
            allowed = WINDOW_BYTES - (self.sent - self.acked)
            if allowed >= SMALLEST_BYTES:
                offset, piece = shell.read(self.sent, min(allowed, PIECE_BYTES))
                if offset != self.sent:
                    self.acked = offset
                    self.stream.write(frame_of({"type": "skipped", "offset": offset}))
            if piece:
                self.stream.writelines(parts_of(piece))
                await self.stream.drain()
                shell.took(self, offset + len(piece))
            elif shell.is_over and self.sent == shell.ring.end:
                self.stream.write(frame_of(end_of(shell)))
                await self.stream.drain()
                return
            else:
                await self.stream.drain()
                await self.wake.wait()


def end_of(shell):
    return {
        "type": "ended",
        "reason": shell.end_reason,
        "exit_status": shell.exit_status,
    }


class Host:
    """Every open shell, and the socket at which web processes ask for them."""

    def __init__(self):
        self.shells = {}
        self.opening = {}
        self.tasks = set()
        self.server = None
        self.empty = asyncio.Event()  # for stop()

    async def start(self):
        """Listen; raise OSError when another host does already."""
        path = str(settings.SSHOPS_TERMINALS_SOCKET)
        refuse_a_second(path)
        await in_thread(terminals.bury)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        before = os.umask(0o177)
        try:
            self.server = await asyncio.start_unix_server(
                self.serve, path, limit=BUFFER_BYTES, backlog=1024
            )
        finally:
            os.umask(before)
        self.later(self.watch())

    async def stop(self):
        """Hang up all shells and note their end."""
        self.server.close()
        self.note_emptiness()
        for shell in self.shells.values():
            shell.end("host_stopped")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.empty.wait(), STOP_SECONDS)
        await cancel(*self.tasks)

    def later(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def watch(self):
        """End what has been left alone for too long."""
        while True:
            patience = settings.SSHOPS_DETACH_MINUTES * 60
            for shell in self.shells.values():
                alone = shell.alone_since
                if alone is not None and time.monotonic() - alone > patience:
                    shell.end("abandoned")
            await asyncio.sleep(WATCH_SECONDS)

    # Opening and ending

    async def shell_of(self, pk, client_ip):
        """Return the shell of a terminal; the first who asks opens it.

        Raises DomainError. Who leaves meanwhile does not stop it.
        """
        if pk not in self.shells:
            if pk not in self.opening:
                task = self.opening[pk] = self.later(self.open(pk, client_ip))
                task.add_done_callback(lambda task: self.opening.pop(pk))
            await asyncio.shield(self.opening[pk])
        return self.shells[pk]

    async def open(self, pk, client_ip):
        terminal = await in_thread(terminals.opening, pk, client_ip)
        connection = recorder = None
        try:
            connection = await connections.connect(terminal.server)
            channel = await in_thread(start_shell, connection, terminal)
            recorder = await in_thread(
                recordings.begin,
                kind="shell",
                user=terminal.user,
                server=terminal.server,
                cols=terminal.cols,
                rows=terminal.rows,
            )
            await in_thread(terminals.opened, terminal, recorder.recording)
        except BaseException as error:
            code = getattr(error, "error_code", None)
            noted = in_thread(terminals.ended, terminal, "failed", error_code=code)
            await asyncio.shield(noted)
            if connection is not None:
                await in_thread(connection.close)
            raise
        self.shells[pk] = Shell(
            terminal, connection, channel, recorder, partial(self.over, pk)
        )

    def over(self, pk, shell):
        self.later(self.note_end(pk, shell))

    async def note_end(self, pk, shell):
        await in_thread(shell.recorder.finish)
        await in_thread(
            terminals.ended,
            shell.terminal,
            shell.end_reason,
            exit_status=shell.exit_status,
        )
        del self.shells[pk]
        self.note_emptiness()

    def note_emptiness(self):
        if not self.shells:
            self.empty.set()

    # A connection from a web process

    async def serve(self, reader, stream):
        try:
            asked = await read_frame(reader)
            if asked is None:
                return
            if asked["type"] == "end":
                if shell := self.shells.get(asked["terminal"]):
                    shell.end("ended")
                stream.write(frame_of({"type": "done"}))
                await stream.drain()
                return
            try:
                shell = await self.shell_of(asked["terminal"], asked["client_ip"])
            except DomainError as error:
                stream.write(frame_of(error_of(error)))
                await stream.drain()
                return
            await self.show(shell, asked, reader, stream)
        except ConnectionError:
            pass  # the web process has gone
        except Exception:
            log.exception("A viewer of a terminal broke")
        finally:
            stream.close()

    async def show(self, shell, asked, reader, stream):
        viewer = Viewer(stream)
        shell.attach(viewer, asked["from"])
        if asked["writes"]:
            shell.hand_over(viewer)
        viewer.tell(
            {
                "type": "attached",
                "terminal": asked["terminal"],
                "offset": viewer.sent,
                "end": shell.ring.end,
                "writes": shell.writer is viewer,
                "cols": shell.cols,
                "rows": shell.rows,
            }
        )
        if asked["writes"] and asked["cols"]:
            shell.resize(asked["cols"], asked["rows"])
        self.later(self.note_attachment(shell))
        pump = asyncio.ensure_future(viewer.pump(shell))
        pump.add_done_callback(lambda pump: stream.close())
        try:
            while (message := await read_frame(reader)) is not None:
                self.heed(shell, viewer, message)
        finally:
            shell.detach(viewer)
            await cancel(pump)
            self.later(self.note_attachment(shell))

    def heed(self, shell, viewer, message):
        """Do what a browser asks; only the writer types, resizes and ends."""
        if isinstance(message, bytes):
            if shell.writer is viewer and not shell.send(message):
                viewer.tell({"type": "input_refused"})
        elif message["type"] == "ack":
            viewer.acknowledge(message["offset"])
        elif message["type"] == "resize" and shell.writer is viewer:
            shell.resize(message["cols"], message["rows"])
        elif message["type"] == "take":
            shell.hand_over(viewer)
            viewer.tell({"type": "given"})
        elif message["type"] == "end":
            shell.end("ended")

    async def note_attachment(self, shell):
        async with shell.noting:
            if not shell.is_over:
                is_attached = shell.writer is not None
                await in_thread(terminals.attached, shell.terminal, is_attached)


def start_shell(connection, terminal):
    channel = connection.terminal(cols=terminal.cols, rows=terminal.rows)
    try:
        channel.invoke_shell()
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ChannelRefused(detail=str(error)) from error
    return channel


def error_of(error):
    return {
        "type": "error",
        "detail": error.text,
        "code": error.code,
        "error_code": getattr(error, "error_code", 10000),
        "status": error.status,
    }


def refuse_a_second(path):
    """Remove the socket of a host that has died; raise OSError for one that lives."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
    raise OSError(f"Another process hosts terminals at {path}.")
