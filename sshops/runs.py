"""One command on a server's terminal: connect, stream its output, see how it ends."""

import asyncio
import contextlib
import logging
import shlex
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import orjson
import paramiko
from django.conf import settings
from django.db import close_old_connections
from django.utils.translation import gettext as _

from sshops import connections
from sshops.errors import (
    Away,
    CommandFailed,
    CommandTimedOut,
    ConnectionLost,
)
from sshops.output import Output
from sshops.stop_phrase import StopPhrase
from sshops.typist import Typist

log = logging.getLogger(__name__)

READ_BYTES = 1 << 16
MESSAGES_AHEAD = 4  # how far reading may run ahead of a slow client
GLANCE_SECONDS = 0.5  # how often a silent command is looked after
MOST_LINE_BYTES = 131_071  # Linux takes no longer argument
STATUS_SECONDS = 2  # how long the exit status may come after the end of output

_threads = ThreadPoolExecutor(settings.SSHOPS_RUNS, thread_name_prefix="run")
_places = threading.BoundedSemaphore(settings.SSHOPS_RUNS)


class Cancelled(Exception):
    """The run was cancelled."""


@dataclass(frozen=True)
class Ending:
    """How a command came to its end."""

    reason: str  # stop_phrase, exit or closed
    exit_status: int | None = None


class CommandRun:
    """A command and its terminal, for one client.

    `tell(text)` is called in the event loop with words about the state; `emit(frame)`
    with each finished output message, and whoever takes it calls `sent()` once the
    client has it. `record()` begins a recording of it (see recordings).
    """

    def __init__(self, server, request, *, tell, emit, record):
        self.server = server
        self.request = request
        self.record = record
        self.recorder = None
        self.tell = tell
        self.emit = emit
        self.loop = asyncio.get_running_loop()
        self.connecting = None
        self.connection = None
        self.channel = None
        self.typist = Typist()
        self.is_cancelled = False
        self.ahead = threading.Semaphore(MESSAGES_AHEAD)

    @property
    def text(self):
        return self.request.command

    async def execute(self):
        """Run it; return its Ending. Raise a Failure, or Cancelled."""
        if not _places.acquire(blocking=False):
            raise Away(_("Too many commands are running; please try again soon."))
        try:
            return await self._execute()
        finally:
            _places.release()

    async def _execute(self):
        self.tell(_("Connecting to {name} …").format(name=self.server.name))
        self.connecting = asyncio.ensure_future(connections.connect(self.server))
        try:
            self.connection = await self.connecting
        except asyncio.CancelledError:
            if self.is_cancelled:
                raise Cancelled from None
            raise
        self.tell(_("Connected to {name}.").format(name=self.server.name))
        work = asyncio.wrap_future(_threads.submit(self._work))
        try:
            return await asyncio.shield(work)
        finally:
            self.typist.stop()

    def cancel(self):
        """Have it end: close the remote side, whose processes are hung up on."""
        self.is_cancelled = True
        if self.connection is None:
            if self.connecting is not None:
                self.connecting.cancel()
            return
        _threads_for_closing.submit(self._close)

    def sent(self):
        self.ahead.release()

    # In a thread from here on

    def _close(self):
        with contextlib.suppress(Exception):
            if self.channel is not None:
                self.channel.close()
        self.connection.close()

    def _work(self):
        try:
            return self._in_thread()
        except (paramiko.SSHException, OSError, EOFError) as error:
            self._raise_if_cancelled()
            raise ConnectionLost(detail=str(error)) from error
        finally:
            self._close()
            if self.recorder is not None:
                briefly(self.recorder.finish)

    def _in_thread(self):
        self._raise_if_cancelled()
        self.recorder = briefly(self.record)
        request = self.request
        line = shell_line(request.command)
        if len(line.encode()) > MOST_LINE_BYTES:
            raise CommandFailed(detail=_("The server could not take so long a line."))
        try:
            self.channel = self.connection.terminal(
                cols=request.cols, rows=request.rows, term=request.term
            )
            try:
                self.channel.exec_command(line)
            except paramiko.SSHException as error:
                if not self.connection.is_alive:
                    raise
                raise CommandFailed(detail=str(error)) from error
        except Exception:
            self._raise_if_cancelled()
            raise
        self.typist.attach(self.channel)
        return self._read()

    def _read(self):
        """Pass the output on until it ends, says the phrase, or takes too long."""
        output = Output(self.request.throttle)
        asked_for = self.request.stop_phrase
        phrase = StopPhrase(
            self.server.default_stop_phrase if asked_for is None else asked_for
        )
        limit = settings.SSHOPS_COMMAND_TIMEOUT
        ends_at = time.monotonic() + limit if limit else None
        while True:
            data = self._next(output, ends_at)
            now = time.monotonic()
            if data:
                self.recorder.output(data)
                text = output.text_of(data)
                self._send(output.feed(text, now))
                if phrase.is_in(text):
                    self._send(output.end())
                    return Ending("stop_phrase")
            elif data is None:
                self._send(output.flush(now))
            self._raise_if_cancelled()
            is_over = data == b"" or (data is None and self.channel.exit_status_ready())
            if is_over:
                self._send(output.end())
                return self._ending()
            if ends_at and now >= ends_at:
                self._send(output.end())
                raise CommandTimedOut

    def _next(self, output, ends_at):
        """Return what the terminal says, b"" at its end, None when it is time to look
        at the clock."""
        wait = GLANCE_SECONDS
        for moment in (output.due, ends_at):
            if moment is not None:
                wait = min(wait, moment - time.monotonic())
        self.channel.settimeout(max(wait, 0.0))
        try:
            return self.channel.recv(READ_BYTES)
        except TimeoutError:
            return None

    def _ending(self):
        """Return how the command ended, after the last of its output."""
        self.channel.status_event.wait(STATUS_SECONDS)
        self._raise_if_cancelled()
        status = self.channel.exit_status
        if self.channel.exit_status_ready() and status >= 0:
            return Ending("exit", status)
        if not self.connection.is_alive:
            raise ConnectionLost
        return Ending("closed")

    def _send(self, messages):
        for message in messages:
            data = orjson.dumps(message).decode()
            frame = f'{{"type": "output", "data": {data}}}'
            while not self.ahead.acquire(timeout=GLANCE_SECONDS):
                self._raise_if_cancelled()
            self.loop.call_soon_threadsafe(self.emit, frame)

    def _raise_if_cancelled(self):
        if self.is_cancelled:
            raise Cancelled


_threads_for_closing = ThreadPoolExecutor(16, thread_name_prefix="close")


def briefly(function):
    """Call what needs the database, and keep no connection to it for long."""
    close_old_connections()
    try:
        return function()
    finally:
        close_old_connections()


def shell_line(command):
    """Return what has the user's own shell run the command as if it were typed there:
    with profile and aliases, and without an echo of it."""
    return f'exec "$SHELL" -l -i -c {shlex.quote(command)}'
