"""Stream a file from one SFTP server to another, through us, with bounded memory.

Many reads are under way at a time, and many writes, in pieces as large as a server
takes: a file goes as fast as the slower line. One thread does both: answers come in
meanwhile, UNDER_WAY of them at most. Pieces are written in order, so what is there
after a break is a beginning of the file.
"""

import hashlib
import struct
import time
from collections import deque
from contextlib import closing, nullcontext

import paramiko
from paramiko.buffered_pipe import BufferedPipe, PipeTimeout

OPEN, CLOSE, READ, WRITE = 3, 4, 5, 6
INIT, VERSION, STATUS, HANDLE, DATA = 1, 2, 101, 102, 103
FOR_READING, FOR_WRITING, CREATE = 1, 2, 8
OK, END, NO_SUCH_FILE, DENIED = 0, 1, 2, 3

SMALL_PIECE = 32768  # what every server takes
LARGE_PIECE = 255 * 1024  # what OpenSSH takes
LIMITS = b"limits@openssh.com"
UNDER_WAY = 16
GLANCE_SECONDS = 0.5
WINDOW_BYTES = 1 << 23
SSH_PACKET_BYTES = 1 << 17
SSH_CONTENT_BYTES = 32768 - 64  # what paramiko puts into a packet for OpenSSH
MOST_PACKET = 1 << 20


class SFTPError(OSError):
    """The other side refuses something."""


class Stopped(Exception):
    """Somebody asked for an end."""


class Amounts(BufferedPipe):
    """What a channel was sent, taken in the amounts that are asked for.

    paramiko's own buffer would copy all of it three times, and wake its reader with
    every packet; this one copies once, and wakes when the amount is there. It serves
    recv() and recv_ready() of a channel, and no more.
    """

    def __init__(self):
        super().__init__()
        self._buffer = deque()
        self._size = self._wanted = 0

    def feed(self, data):
        if not data:
            return
        with self._lock:
            self._buffer.append(data)
            self._size += len(data)
            if self._size >= self._wanted:
                self._cv.notify_all()

    def read(self, nbytes, timeout=None):
        """Return just so many bytes, or none when the other side ended before."""
        with self._lock:
            self._wanted = nbytes
            is_settled = self._cv.wait_for(
                lambda: self._size >= nbytes or self._closed, timeout
            )
            if not is_settled:
                raise PipeTimeout
            if self._size < nbytes:
                return b""
            self._size -= nbytes
        return b"".join(self._taken(nbytes))

    def _taken(self, left):
        while left:
            chunk = self._buffer.popleft()
            if len(chunk) > left:
                chunk = memoryview(chunk)
                self._buffer.appendleft(chunk[left:])
                chunk = chunk[:left]
            left -= len(chunk)
            yield chunk


class Wire:
    """The SFTP protocol on a channel of its own, as far as files' contents need it."""

    def __init__(self, transport, stopped):
        self.channel = transport.open_session(WINDOW_BYTES, SSH_PACKET_BYTES)
        self.channel.settimeout(GLANCE_SECONDS)
        self.channel.in_buffer = Amounts()
        self.channel.invoke_subsystem("sftp")
        self.stopped = stopped
        self.number = 0
        self._send(struct.pack(">IBI", 5, INIT, 3))
        kind, body = self.receive()
        if kind != VERSION:
            raise SFTPError("not SFTP")
        self.piece = LARGE_PIECE if LIMITS in body else SMALL_PIECE

    def request(self, kind, *parts):
        """Send a request; return its number."""
        self.number += 1
        size = 5 + sum(map(len, parts))
        *small, last = struct.pack(">IBI", size, kind, self.number), *parts
        # One packet for the beginning; the rest of a large part is not copied.
        begin = b"".join(small)
        first = max(0, SSH_CONTENT_BYTES - len(begin))
        with self._sending(4 + size):
            self._send(begin + last[:first])
            self._send(memoryview(last)[first:])
        return self.number

    def _sending(self, size):
        """Send what follows together, if the other side lets us send it at once."""
        if size > self.channel.out_window_size:
            return nullcontext()
        return self.channel.transport.packetizer.together()

    def receive(self):
        """Return (type, body) of the next answer; the body begins with its number."""
        size, kind = struct.unpack(">IB", self._take(5))
        if not 0 < size <= MOST_PACKET:
            raise SFTPError("not SFTP")
        return kind, self._take(size - 1)

    def _take(self, size):
        """Return the next bytes when they are there."""
        while True:
            if self.stopped.is_set():
                raise Stopped
            try:
                data = self.channel.recv(size)
            except TimeoutError:
                continue
            if not data:
                raise EOFError
            return data

    def _send(self, data):
        while data:
            if self.stopped.is_set():
                raise Stopped
            try:
                sent = self.channel.send(data)
            except TimeoutError:
                continue
            except OSError as error:  # paramiko's word for a channel that was closed
                raise EOFError from error
            if not sent:
                raise EOFError
            data = data[sent:]

    def opened(self, path, flags):
        """Return the handle of a file."""
        self.request(OPEN, text(path), struct.pack(">II", flags, 0))
        kind, body = self.receive()
        if kind != HANDLE:
            raise_status(body, path)
        return body[4:]  # with its length in front, as requests want it

    @property
    def is_answered(self):
        """Tell whether an answer has come, at least its beginning."""
        return self.channel.recv_ready()

    def close(self):
        self.channel.close()


def text(value):
    data = value.encode("utf-8", "surrogateescape")
    return struct.pack(">I", len(data)) + data


def raise_status(body, path):
    """Raise what an answer of type STATUS says, unless it says OK."""
    (code,) = struct.unpack_from(">I", body, 4)
    if code == OK:
        return
    if code == NO_SUCH_FILE:
        raise FileNotFoundError(2, "no such file", path)
    if code == DENIED:
        raise PermissionError(13, "permission denied", path)
    (length,) = struct.unpack_from(">I", body, 8)
    raise SFTPError(body[12 : 12 + length].decode(errors="replace") or f"status {code}")


class Pipe:
    """One file on its way; `moved` is how far it has come, with what was there.

    `follow` is called with it whenever it has grown.
    """

    def __init__(self, source, target, *, stopped, rate=None, digest=None, follow=None):
        self.source, self.target = source, target  # transports
        self.stopped = stopped
        self.pace = Pace(rate)
        self.moved = 0
        self.follow = follow
        self.digest = digest or hashlib.sha256()

    def run(self, source_path, target_path, *, offset, size):
        """Copy from the offset on; return the SHA-256 of all that was read.

        Raise PermissionError, FileNotFoundError, SFTPError; EOFError, OSError or
        paramiko's when a line breaks; Stopped.
        """
        self.moved = offset
        with closing(self.read(source_path, offset, size)) as pieces:
            self.write(target_path, offset, self.passing(pieces))
        return self.digest.hexdigest()

    def passing(self, pieces):
        for piece in pieces:
            self.digest.update(piece)
            self.pace.wait(len(piece), self.stopped)
            yield piece

    def read(self, path, offset, size):
        """Yield the pieces of the source from an offset to its size."""
        wire = Wire(self.source, self.stopped)
        try:
            handle = wire.opened(path, FOR_READING)
            wire.piece = self.pace.piece(wire.piece)
            yield from read_ahead(wire, handle, path, offset, size)
        finally:
            wire.close()

    def write(self, path, offset, pieces):
        """Write pieces to the target from an offset on."""
        wire = Wire(self.target, self.stopped)
        try:
            handle = wire.opened(path, FOR_WRITING | CREATE)
            for size in write_behind(wire, handle, path, offset, pieces):
                self.moved += size
                if self.follow is not None:
                    self.follow(self.moved)
        finally:
            wire.close()


def read_ahead(wire, handle, path, offset, size):
    """Yield the pieces of a file from an offset to its size, in order."""
    asked = {}  # number of a request: (offset, length)
    waiting = {}  # pieces that came before their turn, by offset
    next_ask = next_give = offset
    while next_give < size:
        while next_ask < size and len(asked) + len(waiting) < UNDER_WAY:
            length = min(wire.piece, size - next_ask)
            number = wire.request(READ, handle, struct.pack(">QI", next_ask, length))
            asked[number] = (next_ask, length)
            next_ask += length
        kind, body = wire.receive()
        (number,) = struct.unpack_from(">I", body)
        at, length = asked.pop(number)
        if kind != DATA:
            raise_status(body, path)
            raise SFTPError("the file has become shorter")
        piece = memoryview(body)[8:]
        if len(piece) < length:  # a server may give less than asked for
            rest = struct.pack(">QI", at + len(piece), length - len(piece))
            number = wire.request(READ, handle, rest)
            asked[number] = (at + len(piece), length - len(piece))
        waiting[at] = piece
        while next_give in waiting:
            piece = waiting.pop(next_give)
            next_give += len(piece)
            yield piece


def write_behind(wire, handle, path, offset, pieces):
    """Write pieces from an offset on, and close; yield the bytes that have arrived."""
    under_way = []

    def settled():
        kind, body = wire.receive()
        if kind == STATUS:
            raise_status(body, path)
        return under_way.pop(0)

    for piece in cut(pieces, wire.piece):
        at = struct.pack(">QI", offset, len(piece))
        wire.request(WRITE, handle, at, piece)
        offset += len(piece)
        under_way.append(len(piece))
        while len(under_way) >= UNDER_WAY or (under_way and wire.is_answered):
            yield settled()
    while under_way:
        yield settled()
    wire.request(CLOSE, handle)
    raise_status(wire.receive()[1], path)


def cut(pieces, most):
    """Yield the pieces, none larger than what a request may carry."""
    for piece in pieces:
        for begin in range(0, len(piece), most):
            yield piece[begin : begin + most]


class Pace:
    """Holds a stream to so many bytes a second; None is no limit."""

    def __init__(self, rate):
        self.rate = rate
        self.due = time.monotonic()

    def piece(self, most):
        """Return how large pieces may be, so that a slow stream does not jump."""
        return min(most, max(SMALL_PIECE // 4, self.rate // 8)) if self.rate else most

    def wait(self, size, stopped):
        if not self.rate:
            return
        now = time.monotonic()
        # What was not used is not saved up, beyond a glance.
        self.due = max(self.due, now - GLANCE_SECONDS) + size / self.rate
        while (left := self.due - time.monotonic()) > 0:
            if stopped.wait(min(left, GLANCE_SECONDS)):
                raise Stopped


LINE_ERRORS = (paramiko.SSHException, EOFError, ConnectionError, TimeoutError)
