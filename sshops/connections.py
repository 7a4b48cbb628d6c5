"""Open an SSH connection to a Server: host key, login, time limit, jumps.

    connection = await connect(server)    in the event loop; the work is in a thread
    connection = open_connection(server)  in a thread that may wait
    channel = connection.terminal(cols=80, rows=24)
    connection.close()

Connecting raises ConnectionFailed, ConnectionTimedOut, ConnectionWasRefused,
LoginRefused or KeyProblem. TCP connect, banner, key exchange and login share one limit,
SSHOPS_CONNECT_TIMEOUT, which also counts the wait for a thread. A host key that does
not fit is refused and noted for an operator (see host_keys). What is opened here has
threads that wait on it: nothing of it may be called in the event loop but `connect`.
"""

import asyncio
import contextlib
import io
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import paramiko
from django.conf import settings
from django.db import close_old_connections
from django.utils.translation import gettext as _

from sshops import host_keys
from sshops.errors import (
    ChannelRefused,
    ConnectionFailed,
    ConnectionLost,
    ConnectionTimedOut,
    ConnectionWasRefused,
    KeyProblem,
    LoginRefused,
)
from sshops.packets import Packets

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 15
CLOSING_SECONDS = 5
WINDOW_BYTES = 1 << 21
# AES-GCM first: the same safety, and several times faster here than CTR with a MAC.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")

_threads = ThreadPoolExecutor(settings.SSHOPS_CONNECTING, thread_name_prefix="ssh")


class Connection:
    """A logged-in connection to a server, with those it was reached by."""

    def __init__(self, server, transport, jump=None):
        self.server = server
        self.transport = transport
        self.jump = jump

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @property
    def is_alive(self):
        return self.transport.is_active()

    def terminal(self, *, cols=80, rows=24, term="xterm-256color"):
        """Return a channel with a pty and nothing running yet; raise ChannelRefused.

        `invoke_shell()` or `exec_command()` on it starts something.
        """
        try:
            channel = self.transport.open_session(
                window_size=WINDOW_BYTES, timeout=settings.SSHOPS_CONNECT_TIMEOUT
            )
            channel.settimeout(settings.SSHOPS_CONNECT_TIMEOUT)
            channel.get_pty(term, cols, rows)
            channel.settimeout(None)
        except (paramiko.SSHException, OSError, EOFError) as error:
            if not self.is_alive:
                raise ConnectionLost(detail=str(error)) from error
            raise ChannelRefused(detail=str(error)) from error
        return channel

    def close(self):
        """Close everything; waits for the transports' threads, but not for ever."""
        for connection in (self, self.jump):
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.transport.close()
        if self.jump is not None:
            self.jump.close()


class Deadline:
    """The moment by which everything must be done."""

    def __init__(self, seconds):
        self.moment = time.monotonic() + seconds

    def left(self):
        """Return the seconds that are left; raise ConnectionTimedOut at zero."""
        left = self.moment - time.monotonic()
        if left <= 0:
            raise ConnectionTimedOut
        return left

    @property
    def is_over(self):
        return time.monotonic() >= self.moment


async def connect(server):
    """Return a Connection, opened in a thread.

    Who is cancelled while waiting gets none, and none stays behind.
    """
    deadline = Deadline(settings.SSHOPS_CONNECT_TIMEOUT)
    opening = _threads.submit(open_in_pool, server, deadline)
    try:
        # A little more than the thread's own limit: name look-ups heed none.
        return await asyncio.wait_for(
            asyncio.shield(asyncio.wrap_future(opening)), deadline.left() + 1
        )
    except TimeoutError:
        _forget(opening)
        raise ConnectionTimedOut from None
    except asyncio.CancelledError:
        _forget(opening)
        raise


def _forget(opening):
    opening.cancel()
    opening.add_done_callback(_close_unwanted)


def _close_unwanted(opening):
    if not opening.cancelled() and opening.exception() is None:
        _threads.submit(opening.result().close)


def open_in_pool(server, deadline):
    """Do open_connection() in a pool's thread, which keeps no database connection."""
    close_old_connections()
    try:
        return open_connection(server, deadline)
    finally:
        close_old_connections()


def open_connection(server, deadline=None):
    """Return a Connection to the server; its secrets and jumps are read as needed."""
    deadline = deadline or Deadline(settings.SSHOPS_CONNECT_TIMEOUT)
    jump = None
    if server.jump_id:
        jump = open_connection(server.jump, deadline)
    transport = None
    try:
        transport = _negotiated(server, _socket_to(server, jump, deadline), deadline)
        host_keys.check(server, transport.get_remote_server_key())
        _log_in(server, transport, deadline)
    except BaseException:
        if transport is not None:
            transport.close()
        if jump is not None:
            jump.close()
        raise
    transport.set_keepalive(KEEPALIVE_SECONDS)
    return Connection(server, transport, jump)


def _socket_to(server, jump, deadline):
    address = (server.host, server.port)
    try:
        if jump is None:
            sock = socket.create_connection(address, deadline.left())
            # A packet smaller than a segment would wait for the last one's ACK.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        return jump.transport.open_channel(
            "direct-tcpip", address, ("127.0.0.1", 0), timeout=deadline.left()
        )
    except TimeoutError as error:
        raise ConnectionTimedOut from error
    except ConnectionRefusedError as error:
        raise ConnectionWasRefused from error
    except (OSError, UnicodeError, paramiko.SSHException, EOFError) as error:
        if deadline.is_over:
            raise ConnectionTimedOut from error
        raise ConnectionFailed(detail=str(error)) from error


def _negotiated(server, sock, deadline):
    """Return a transport after the key exchange."""
    transport = paramiko.Transport(
        sock, default_window_size=WINDOW_BYTES, packetizer_class=Packets
    )
    try:
        options = transport.get_security_options()
        options.ciphers = _first(CIPHERS, options.ciphers)
        options.key_types = _first(
            host_keys.algorithms(server.host_key), options.key_types
        )
        transport.banner_timeout = transport.handshake_timeout = deadline.left()
        transport.auth_timeout = deadline.left()
        transport.start_client(timeout=deadline.left())
        if deadline.is_over:
            raise ConnectionTimedOut
    except (paramiko.SSHException, OSError, EOFError) as error:
        transport.close()
        if deadline.is_over or isinstance(error, TimeoutError):
            raise ConnectionTimedOut from error
        raise ConnectionFailed(detail=str(error)) from error
    except BaseException:
        transport.close()
        raise
    return transport


def _first(preferred, known):
    """Return what is known, the preferred ones first."""
    front = [name for name in preferred if name in known]
    return front + [name for name in known if name not in front]


def _log_in(server, transport, deadline):
    """Log in with the key, then with the password, as far as there are any."""
    ways = []
    if server.private_key:
        key = private_key(server.private_key)
        ways.append(lambda: transport.auth_publickey(server.username, key))
    if server.password:
        ways.append(lambda: transport.auth_password(server.username, server.password))
    if not ways:
        raise LoginRefused(
            _("Neither a password nor a key of this server can be read; enter one.")
        )
    refused = None
    for way in ways:
        transport.auth_timeout = deadline.left()
        try:
            way()
        except paramiko.AuthenticationException as error:
            refused = error
        except (paramiko.SSHException, OSError, EOFError) as error:
            if deadline.is_over:
                raise ConnectionTimedOut from error
            raise ConnectionFailed(detail=str(error)) from error
        if transport.is_authenticated():
            return
        if deadline.is_over:
            raise ConnectionTimedOut from refused
    raise LoginRefused from refused


def private_key(text):
    """Return the key in an OpenSSH or PEM text; raise KeyProblem."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text))
        except paramiko.PasswordRequiredException as error:
            raise KeyProblem(_("The private key has a pass phrase.")) from error
        except (paramiko.SSHException, ValueError, IndexError, TypeError):
            continue
    raise KeyProblem(_("The private key cannot be read."))
