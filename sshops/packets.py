"""SSH packets under AES-GCM (RFC 5647), with less work for each than paramiko does.

paramiko takes two calls to read a packet, one to send it, and copies it some five times
in either direction. This reads ahead, sends several packets at once where a caller
says so, and seals and opens between buffers that stay. Packets under another cipher are
left to paramiko, as are those before the first keys; a connection stays under AES-GCM.
"""

import os
import struct
import threading
from contextlib import contextmanager

from cryptography.exceptions import InvalidTag
from paramiko import Message, SSHException
from paramiko.packet import NeedRekeyException, Packetizer

LENGTH = struct.Struct(">I")
BLOCK_BYTES = TAG_BYTES = 16
AROUND_BYTES = LENGTH.size + TAG_BYTES
LEAST_PADDING = 4
MOST_PACKET = 1 << 18  # what OpenSSH takes, too
USUAL_BYTES = 1 << 16  # of a packet
AHEAD_BYTES = 1 << 17
TOGETHER_BYTES = 1 << 18


class Packets(Packetizer):
    """paramiko's packets on a socket, or on a channel; without compression."""

    def __init__(self, sock):
        super().__init__(sock)
        self._sock = sock
        self._key_in = self._key_out = None
        self._sending = threading.Lock()
        self._holding = set()  # threads that send together
        self._sealed = self._opened = self._ahead = room(0)  # until there is a key
        self._held = 0  # bytes of what was sealed that were not sent yet
        self._begin = self._end = 0  # of what was read ahead and not taken yet
        self._number = 0  # of the next packet that comes

    def set_outbound_cipher(self, block_engine, *args, aead=False, iv_out=None, **more):
        super().set_outbound_cipher(
            block_engine, *args, aead=aead, iv_out=iv_out, **more
        )
        self._key_out = next_key(self._key_out, block_engine, aead, iv_out)
        if aead:
            self._sealed = fitting(self._sealed, USUAL_BYTES)

    def set_inbound_cipher(self, block_engine, *args, aead=False, iv_in=None, **more):
        super().set_inbound_cipher(block_engine, *args, aead=aead, iv_in=iv_in, **more)
        self._key_in = next_key(self._key_in, block_engine, aead, iv_in)
        if aead:
            self._opened = fitting(self._opened, USUAL_BYTES)
            self._ahead = fitting(self._ahead, AHEAD_BYTES)

    def reset_seqno_in(self):
        super().reset_seqno_in()
        self._number = 0

    # Sending

    @contextmanager
    def together(self):
        """Send what this thread sends meanwhile in as few calls as there is room for.

        What another thread sends takes all before it along, so that no order changes.
        """
        me = threading.get_ident()
        with self._sending:
            if self._key_out is not None and not self._held:
                self._sealed = fitting(self._sealed, TOGETHER_BYTES)
            self._holding.add(me)
        try:
            yield
        finally:
            with self._sending:
                self._holding.discard(me)
                self._send_held()

    def send_message(self, data):
        key = self._key_out
        if key is None:
            super().send_message(data)
            return
        packet = padded(data.asbytes())
        length = LENGTH.pack(len(packet))
        size = AROUND_BYTES + len(packet)
        with self._sending:
            frame = self._frame(size)
            frame[: LENGTH.size] = length
            key.engine.encrypt_into(key.nonce(), packet, length, frame[LENGTH.size :])
            self._held += size
            if threading.get_ident() not in self._holding:
                self._send_held()
            self._count(key, size)

    def _frame(self, size):
        if self._held + size > len(self._sealed):
            self._send_held()
            self._sealed = fitting(self._sealed, size)
        return self._sealed[self._held : self._held + size]

    def _send_held(self):
        held, self._held = self._held, 0
        if held:
            self.write_all(self._sealed[:held])

    # Receiving

    def read_message(self):
        key = self._key_in
        if key is None:
            kind, message = super().read_message()
            self._number = message.seqno + 1
            return kind, message
        self._have(LENGTH.size, may_rekey=True)
        (size,) = LENGTH.unpack_from(self._ahead, self._begin)
        if size % BLOCK_BYTES or not 0 < size <= MOST_PACKET:
            raise SSHException(f"Invalid packet length {size}")
        self._have(AROUND_BYTES + size)
        payload = self._open(key, size)
        self._begin += AROUND_BYTES + size
        message = Message(payload[1:])
        message.seqno = self._number
        self._number = (self._number + 1) % (1 << 32)
        self._count(key, AROUND_BYTES + size)
        self._expect_another(key, AROUND_BYTES + size)
        return payload[0], message

    def _open(self, key, size):
        self._opened = fitting(self._opened, size)
        length = self._begin + LENGTH.size
        try:
            key.engine.decrypt_into(
                key.nonce(),
                self._ahead[length : length + size + TAG_BYTES],
                self._ahead[self._begin : length],
                self._opened[:size],
            )
        except InvalidTag as error:
            raise SSHException("Mismatched MAC") from error
        padding = self._opened[0]
        if padding < LEAST_PADDING or padding > size - 2:
            raise SSHException(f"Invalid padding {padding}")
        return bytes(self._opened[1 : size - padding])

    def _have(self, size, *, may_rekey=False):
        """Read ahead until there are so many bytes at least."""
        if self._begin == self._end or self._begin + size > len(self._ahead):
            self._move(size)
        while self._end - self._begin < size:
            self._end += self._receive(may_rekey and self._begin == self._end)

    def _move(self, size):
        """Put what was read ahead to the start of a room for `size` bytes."""
        left = bytes(self._ahead[self._begin : self._end])
        self._ahead = fitting(self._ahead, size)
        self._begin, self._end = 0, len(left)
        self._ahead[: self._end] = left

    def _receive(self, may_rekey):
        while True:
            if self.handshake_timed_out():
                raise EOFError
            try:
                count = receive_into(self._sock, self._ahead[self._end :])
            except TimeoutError:
                if self.closed:
                    raise EOFError from None
                if may_rekey and self.need_rekey():
                    raise NeedRekeyException from None
                self._check_keepalive()
                continue
            except OSError:
                if self.closed:
                    raise EOFError from None
                raise
            if not count:
                raise EOFError
            return count

    # Keys wear out

    def _count(self, key, size):
        """Ask for another key when enough has gone through this one."""
        key.packets += 1
        key.bytes += size
        is_worn = key.packets >= self.REKEY_PACKETS or key.bytes >= self.REKEY_BYTES
        if is_worn and not self.need_rekey():
            self._trigger_rekey()

    def _expect_another(self, key, size):
        """Give the other side some time to answer that; raise SSHException then."""
        if not self.need_rekey():
            return
        key.late_packets += 1
        key.late_bytes += size
        if (
            key.late_packets >= self.REKEY_PACKETS_OVERFLOW_MAX
            or key.late_bytes >= self.REKEY_BYTES_OVERFLOW_MAX
        ):
            raise SSHException("Remote transport is ignoring rekey requests")


class Key:
    """A key of one direction, its nonces, and how much has gone through it."""

    def __init__(self, engine, iv):
        self.engine = engine  # an AESGCM
        self.fixed, self.counter = iv[:4], int.from_bytes(iv[4:], "big")
        self.packets = self.bytes = 0
        self.late_packets = self.late_bytes = 0  # after another was asked for

    def nonce(self):
        """Return the next nonce; none is ever used again."""
        nonce = self.fixed + self.counter.to_bytes(8, "big")
        self.counter = (self.counter + 1) % (1 << 64)
        return nonce


def next_key(key, engine, aead, iv):
    """Return the Key after a key, or None for another cipher; raise SSHException."""
    if aead:
        return Key(engine, iv)
    if key is not None:  # paramiko's count of packets stopped where ours began
        raise SSHException("The other side leaves AES-GCM")
    return None


def padded(payload):
    """Return what is sealed: the padding's length, the payload, the padding."""
    padding = BLOCK_BYTES - (1 + len(payload)) % BLOCK_BYTES
    if padding < LEAST_PADDING:
        padding += BLOCK_BYTES
    return b"".join((bytes((padding,)), payload, os.urandom(padding)))


def room(size):
    return memoryview(bytearray(size))


def fitting(place, size):
    """Return the room, or a new one where it has less than `size` bytes."""
    return place if len(place) >= size else room(size)


def receive_into(sock, place):
    """Do what recv_into() of a socket does; a channel of paramiko has none."""
    if hasattr(sock, "recv_into"):
        return sock.recv_into(place)
    data = sock.recv(len(place))
    place[: len(data)] = data
    return len(data)
