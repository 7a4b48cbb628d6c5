"""Ask many servers at once whether an SSH server answers there."""

import asyncio
import ipaddress
import resource
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from sshops import connections
from sshops.errors import (
    ConnectionFailed,
    ConnectionTimedOut,
    ConnectionWasRefused,
    Failure,
)

AT_ONCE = 1_000
SPARE_FILES = 100
LOGINS_AT_ONCE = 32
LOOK_UPS_AT_ONCE = 64
GREETING_BYTES = 8192
WAVE_SECONDS = 0.25


@dataclass(frozen=True)
class Probe:
    """What one look at a server came to; without an error code it was well."""

    server_id: int
    address: tuple
    latency_ms: float | None = None
    error_code: int | None = None
    at: datetime = field(default_factory=timezone.now)


async def probe_all(servers, found):
    """Look at all servers; call found(probes) in a thread, as they come in."""
    probes = asyncio.Queue()
    places = asyncio.Semaphore(most_at_once())
    with (
        ThreadPoolExecutor(LOGINS_AT_ONCE) as logins,
        ThreadPoolExecutor(LOOK_UPS_AT_ONCE) as look_ups,
    ):
        asyncio.get_running_loop().set_default_executor(look_ups)

        async def look(server):
            async with places:
                probes.put_nowait(await probe(server, logins))

        async with asyncio.TaskGroup() as group:
            for server in servers:
                group.create_task(look(server))
            left = len(servers)
            while left:
                wave = [await probes.get()]
                await asyncio.sleep(WAVE_SECONDS)
                while not probes.empty():
                    wave.append(probes.get_nowait())
                await asyncio.to_thread(found, wave)
                left -= len(wave)


def most_at_once():
    """Return how many sockets may be open, after asking for as many as we want."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = AT_ONCE + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))
        soft = top
    return AT_ONCE if soft >= wanted else max(1, soft - SPARE_FILES)


async def probe(server, logins):
    """Return a Probe; a server behind another one is looked at by logging in."""
    begun = time.monotonic()
    limit = settings.SSHOPS_HEALTH_TIMEOUT
    try:
        if server.jump_id or settings.SSHOPS_HEALTH_LOGIN:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(logins, _log_in, server, limit)
        else:
            async with asyncio.timeout(limit):
                await _greeting(server)
        error_code = None
    except Failure as error:
        error_code = error.error_code
    except TimeoutError:
        error_code = ConnectionTimedOut.error_code
    except ConnectionRefusedError:
        error_code = ConnectionWasRefused.error_code
    except (OSError, UnicodeError):
        error_code = ConnectionFailed.error_code
    latency = None if error_code else (time.monotonic() - begun) * 1000
    return Probe(server.pk, (server.host, server.port), latency, error_code)


def _log_in(server, limit):
    connections.open_in_pool(server, connections.Deadline(limit)).close()


async def _greeting(server):
    """Return once the other side has said SSH-; what it says before is let pass."""
    reader, writer = await asyncio.open_connection(
        server.host, server.port, flags=_flags(server.host)
    )
    try:
        said = b""
        while not (said.startswith(b"SSH-") or b"\nSSH-" in said):
            more = await reader.read(GREETING_BYTES)
            said += more
            if not more or len(said) >= GREETING_BYTES:
                raise ConnectionFailed
    finally:
        writer.transport.abort()


def _flags(host):
    """Spare a thread for what is an address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return 0
    return socket.AI_NUMERICHOST
