"""Frames between web processes and the process that hosts terminals.

One connection on a Unix socket for each browser. A frame is a head, kind and length,
and then bytes of the terminal or a JSON object. The socket belongs to our own user: who
may do what has been settled before anything is sent here.
"""

import asyncio
import json
import socket
import struct

from django.conf import settings

from sshops.errors import Away

OBJECT, BYTES = 0, 1
HEAD = struct.Struct("!BI")
MOST_BYTES = 1 << 20  # in a frame
BUFFER_BYTES = 1 << 18
COMMAND_SECONDS = 5


class HostAway(Away):
    """The process that holds the terminals does not answer; try again in a moment."""


def frame_of(message):
    """Return the frame of an object."""
    data = json.dumps(message).encode()
    return HEAD.pack(OBJECT, len(data)) + data


def parts_of(data):
    """Return the frame of bytes, in pieces that need no copy."""
    return [HEAD.pack(BYTES, len(data)), data]


async def read_frame(reader):
    """Return bytes or an object; None when the other side has gone."""
    try:
        kind, length = HEAD.unpack(await reader.readexactly(HEAD.size))
        if length > MOST_BYTES:
            return None
        data = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return data if kind == BYTES else json.loads(data)


async def connect():
    """Return (reader, writer) to the host; raise HostAway."""
    try:
        return await asyncio.open_unix_connection(
            settings.SSHOPS_TERMINALS_SOCKET, limit=BUFFER_BYTES
        )
    except OSError as error:
        raise HostAway from error


def command(message):
    """Send one object to the host and return its answer; raise HostAway.

    For ordinary views, in their threads.
    """
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(COMMAND_SECONDS)
        try:
            link.connect(str(settings.SSHOPS_TERMINALS_SOCKET))
            link.sendall(frame_of(message))
            with link.makefile("rb") as answer:
                _kind, length = HEAD.unpack(answer.read(HEAD.size))
                return json.loads(answer.read(length))
        except (OSError, struct.error) as error:
            raise HostAway from error
