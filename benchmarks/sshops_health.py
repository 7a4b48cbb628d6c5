"""One worker checks 1,000 servers, a third of them dead; how long is a round?

The targets are listeners on loopback: a third greet as SSH servers do, a third accept
and stay silent until the time limit, a third are ports where nobody listens. The round
is the worker's own, with everything it stores and publishes. Compared with the floor:
the time limit itself, which a silent server costs, however many are asked at once.
Fails over 10 s, and where a result is wrong.
"""

import argparse
import asyncio
import contextlib
import json
import resource
import sys

import server

GREETING = b"SSH-2.0-bench\r\n"

FILL = """
import json
from sshops.models import Server
ports = json.loads({ports!r})
def port(n):
    group = ports[n % 3]
    return group[n // 3 % len(group)]
Server.objects.bulk_create(
    Server(name=f"bench-{{n}}", host="127.0.0.1", port=port(n), username="kim")
    for n in range({count}))
"""
ROUND = """
import json, time
from sshops import health
from sshops.models import HealthRound, ServerHealth
HealthRound.objects.all().delete()
begun = time.monotonic()
assert health.check_all()
seconds = time.monotonic() - begun
rows = ServerHealth.objects.all()
print(json.dumps([seconds, rows.count(), rows.filter(is_healthy=True).count(),
    rows.filter(error_code=20001).count(), rows.filter(error_code=20002).count()]))
"""


@contextlib.asynccontextmanager
async def targets(listeners):
    """Yield ports that greet, ports that stay silent, and ports of nobody."""

    async def greet(reader, writer):
        writer.write(GREETING)
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    async def hang(reader, writer):
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for behave in (greet, hang):
            group = []
            for _ in range(listeners):
                made = await asyncio.start_server(behave, "127.0.0.1", 0, backlog=2048)
                await stack.enter_async_context(made)
                group.append(made.sockets[0].getsockname()[1])
            ports.append(group)
        gone = await asyncio.start_server(hang, "127.0.0.1", 0)
        ports.append([gone.sockets[0].getsockname()[1]])
        gone.close()
        await gone.wait_closed()
        yield ports


async def main(count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    # Rounds come from here alone: the server's own are an hour apart.
    with server.running(SSHOPS_HEALTH_INTERVAL="3600") as running:
        async with targets(20) as ports:
            environ = running.environ
            fill = FILL.format(ports=json.dumps(ports), count=count)
            await asyncio.to_thread(server.in_django, environ, fill)
            said = await asyncio.to_thread(server.in_django, environ, ROUND)
    seconds, checked, healthy, silent, refused = json.loads(said)
    print(f"{checked:,} servers, {silent + refused:,} of them dead, in one round")
    print(f"{seconds:.1f} s; the floor is the time limit of 5 s")
    expected = [len(range(n, count, 3)) for n in range(3)]
    assert [healthy, silent, refused] == expected, (healthy, silent, refused)
    sys.exit(seconds > 10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=1000)
    asyncio.run(main(parser.parse_args().servers))
