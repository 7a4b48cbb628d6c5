"""Packets under AES-GCM: against paramiko's own, and against a real sshd."""

import os
import socket
import threading
import time

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from paramiko import Message, SSHException
from paramiko.packet import NeedRekeyException, Packetizer

from sshops import connections
from sshops.connections import open_connection
from sshops.packets import AROUND_BYTES, BLOCK_BYTES, LENGTH, MOST_PACKET, Packets
from sshops.sftp_pipe import Pipe
from tests import factories

NONCE = bytes(4) + b"\xff" * 7 + b"\xfd"  # the counter is near its end


def end(kind, sock, key):
    """One end of a connection whose keys have been agreed on."""
    sock.settimeout(0.05)
    packets = kind(sock)
    engine = {"block_engine": AESGCM(key), "block_size": 16, "aead": True}
    no_mac = {"mac_engine": None, "mac_size": 16, "mac_key": None}
    packets.set_outbound_cipher(**engine, **no_mac, iv_out=NONCE)
    packets.set_inbound_cipher(**engine, **no_mac, iv_in=NONCE)
    return packets


@pytest.fixture
def sockets():
    pair = socket.socketpair()
    yield pair
    for sock in pair:
        sock.close()


@pytest.fixture
def make_ends(sockets):
    def make(*kinds):
        key = os.urandom(16)
        return [end(kind, sock, key) for kind, sock in zip(kinds, sockets, strict=True)]

    return make


@pytest.fixture
def ends(make_ends):
    return make_ends(Packets, Packets)


def message(content):
    return Message(b"\x5e" + content)


def in_background(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "kinds", [(Packets, Packetizer), (Packetizer, Packets), (Packets, Packets)]
)
def test_every_length_arrives(make_ends, kinds, monkeypatch):
    if Packetizer in kinds:  # has no counter that begins again
        monkeypatch.setattr(f"{__name__}.NONCE", bytes(12))
    sender, receiver = make_ends(*kinds)
    contents = [os.urandom(size) for size in (*range(70), 32768, 140_000, 5, 200_000)]

    def send():
        for content in contents:
            sender.send_message(message(content))

    thread = in_background(send)
    for number, content in enumerate(contents):
        kind, received = receiver.read_message()
        assert (kind, received.asbytes()) == (0x5E, content)
        assert received.seqno == number
    thread.join()


def test_one_changed_bit_is_found(ends, sockets):
    sender, receiver = ends
    sender.send_message(message(b"rm -r ./old"))
    frame = bytearray(sockets[1].recv(1000))
    frame[9] ^= 1
    sockets[0].sendall(frame)

    with pytest.raises(SSHException, match="MAC"):
        receiver.read_message()


@pytest.mark.parametrize("padding", [0, 3, 15, 200])
def test_an_impossible_padding_is_refused(ends, sockets, padding):
    key = ends[1]._key_in
    length = LENGTH.pack(BLOCK_BYTES)
    packet = bytes([padding]) + bytes(BLOCK_BYTES - 1)
    sockets[0].sendall(length + key.engine.encrypt(NONCE, packet, length))

    with pytest.raises(SSHException, match="padding"):
        ends[1].read_message()


def test_a_connection_does_not_leave_its_cipher(ends):
    other = {"block_engine": None, "block_size": 16}
    no_mac = {"mac_engine": None, "mac_size": 16, "mac_key": None}

    with pytest.raises(SSHException, match="leaves"):
        ends[0].set_inbound_cipher(**other, **no_mac)
    with pytest.raises(SSHException, match="leaves"):
        ends[0].set_outbound_cipher(**other, **no_mac)


@pytest.mark.parametrize("size", [0, 15, 24, MOST_PACKET + 16, 0xFFFFFFF0])
def test_an_impossible_length_is_refused(ends, sockets, size):
    sockets[0].sendall(size.to_bytes(4, "big") + bytes(100))

    with pytest.raises(SSHException, match="length"):
        ends[1].read_message()


def test_a_line_that_ends(ends, sockets):
    sockets[0].sendall(bytes(3))
    sockets[0].close()

    with pytest.raises(EOFError):
        ends[1].read_message()


def test_an_end_that_is_closed_while_it_waits(ends):
    threading.Timer(0.1, ends[1].close).start()

    with pytest.raises(EOFError):
        ends[1].read_message()


def test_a_silent_line_is_kept_alive(ends):
    beats = []

    def beat():
        beats.append(1)
        ends[0].send_message(message(b"woke"))

    ends[1].set_keepalive(0.1, beat)

    assert ends[1].read_message()[1].asbytes() == b"woke"
    assert beats


def test_what_is_sent_together_arrives_together(ends, sockets):
    sender, receiver = ends

    with sender.together():
        for content in (b"1", b"2"):
            sender.send_message(message(content))
        with pytest.raises(TimeoutError):
            sockets[1].recv(1)

    assert [receiver.read_message()[1].asbytes() for _ in range(2)] == [b"1", b"2"]


def test_another_thread_takes_along_what_was_held(ends):
    sender, receiver = ends

    with sender.together():
        sender.send_message(message(b"first"))
        in_background(sender.send_message, message(b"second")).join()

        received = [receiver.read_message()[1].asbytes() for _ in range(2)]
    assert received == [b"first", b"second"]


def test_more_than_there_is_room_for_goes_out_meanwhile(ends):
    sender, receiver = ends
    content = os.urandom(100_000)

    def send():
        with sender.together():
            for _ in range(9):
                sender.send_message(message(content))

    thread = in_background(send)
    for _ in range(9):
        assert receiver.read_message()[1].asbytes() == content
    thread.join()


def test_a_worn_key_is_asked_to_be_replaced(ends, monkeypatch):
    sender, receiver = ends
    monkeypatch.setattr(Packets, "REKEY_BYTES", 3 * (AROUND_BYTES + 16))
    for _ in range(3):
        assert not sender.need_rekey()
        sender.send_message(message(b""))
    assert sender.need_rekey()

    for _ in range(3):
        receiver.read_message()
    with pytest.raises(NeedRekeyException):
        receiver.read_message()


def test_who_never_replaces_a_key_is_left(ends, monkeypatch):
    sender, receiver = ends
    monkeypatch.setattr(Packets, "REKEY_PACKETS", 2)
    monkeypatch.setattr(Packets, "REKEY_PACKETS_OVERFLOW_MAX", 3)
    for _ in range(5):
        sender.send_message(message(b""))

    for _ in range(3):
        receiver.read_message()
    with pytest.raises(SSHException, match="rekey"):
        receiver.read_message()


def copied(connection, path, content):
    """Write a file by SFTP and read it again."""
    with connection.transport.open_sftp_client() as sftp:
        with sftp.open(str(path), "wb") as file:
            file.set_pipelined(True)
            file.write(content)
        assert path.read_bytes() == content
        with sftp.open(str(path), "rb") as file:
            file.prefetch()
            return file.read()


@pytest.mark.django_db(transaction=True)
def test_keys_are_replaced_on_the_way(sshd, tmp_path, monkeypatch):
    monkeypatch.setattr(Packets, "REKEY_BYTES", 1 << 20)
    agreed = []
    set_cipher = Packets.set_inbound_cipher

    def counted(self, *args, **kwargs):
        agreed.append(time.monotonic())
        set_cipher(self, *args, **kwargs)

    monkeypatch.setattr(Packets, "set_inbound_cipher", counted)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(20_000_000))
    server = factories.server(sshd)

    with open_connection(server) as one, open_connection(server) as other:
        pipe = Pipe(one.transport, other.transport, stopped=threading.Event())
        pipe.run(str(source), str(target), offset=0, size=20_000_000)

    assert target.read_bytes() == source.read_bytes()
    assert len(agreed) > 20


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cipher", ["aes256-gcm@openssh.com", "aes256-ctr"])
def test_other_ciphers_work_as_well(sshd, tmp_path, monkeypatch, cipher):
    monkeypatch.setattr(connections, "CIPHERS", (cipher,))
    content = os.urandom(1_000_000)

    with open_connection(factories.server(sshd)) as connection:
        assert connection.transport.remote_cipher == cipher
        assert copied(connection, tmp_path / "file", content) == content


@pytest.mark.django_db(transaction=True)
def test_through_another_server(sshd, other_sshd, tmp_path):
    server = factories.server(other_sshd, jump=factories.server(sshd))
    content = os.urandom(1_000_000)

    with open_connection(server) as connection:
        assert copied(connection, tmp_path / "file", content) == content
