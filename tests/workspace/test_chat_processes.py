"""Chat over several server processes: one house, also when one of them dies."""

import asyncio
import contextlib
import os
import signal
import time

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from config.realtime import in_thread
from config.valkey import valkey
from tests import factories
from tests.conftest import token
from tests.workspace.talk import talking
from workspace.chat import switchboard


@pytest.fixture
async def talks(servers):
    """Connect Talkers to the first or the second server."""
    async with talking(servers[0]) as first, talking(servers[1]) as second:
        yield first, second


async def test_one_conversation_over_two_processes(talks, servers, kim):
    first, second = talks
    alpha, beta = await first("/ws/alpha/red", kim), await second("/ws/beta", kim)
    await beta.line()

    await beta.say("/join red")
    assert await beta.line() == "Joined group: red"
    await alpha.say("/group hello")
    assert await beta.line() == "Group message from client 'alpha': hello"
    await beta.say("/send_to alpha back")
    assert await beta.line() == "Message sent to client 'alpha'"
    greeting, own, back = await alpha.lines(3)
    assert greeting.startswith("Connected as client 'alpha'")
    assert own == "Group message from client 'alpha': hello"
    assert back == "Private message from client 'beta': back"

    for server in servers:
        answer = await in_thread(ask, server, kim, "groups")
        assert answer == {"groups": [{"name": "red", "member_count": 2}]}

    lee = await in_thread(factories.user, "lee@example.com")
    with pytest.raises(InvalidStatus):
        await second("/ws/alpha", lee)

    await beta.close()
    assert await alpha.until("Client 'beta' has disconnected")


def ask(server, user, path):
    headers = {"Authorization": f"Bearer {token(user)}"}
    url = f"{server.url}/workspace/api/ws/{path}"
    return httpx.get(url, headers=headers, trust_env=False).json()


async def test_the_sockets_of_a_killed_process_lapse(talks, servers, kim):
    first, second = talks
    stays = await second("/ws/stays", kim)
    for name in ("a/red", "b/red"):
        await (await first(f"/ws/{name}", kim)).line()
    await stays.frame("group_info")

    os.kill(servers[0].pid, signal.SIGKILL)
    process = await in_thread(process_of_red)
    kept = valkey().zscore("madang:chat:processes", process) / 1000
    assert 25 < kept - time.time() <= 45  # from its last sign of life
    # 45 seconds later, as far as Valkey can tell
    await in_thread(
        valkey().zadd, "madang:chat:processes", {process: time.time() * 1000}
    )

    heard = [await stays.hear()]
    while "Client 'b' has disconnected" not in heard or len(heard) < 4:
        heard.append(await stays.hear())
    lists = [frame for frame in heard if isinstance(frame, dict)]
    assert lists[-1] == {"type": "group_info", "groups": []}
    assert "Client 'a' has disconnected" in heard
    shown = await in_thread(ask, servers[1], kim, "clients")
    assert [one["original_client_id"] for one in shown["clients"]] == ["stays"]
    lee = await in_thread(factories.user, "lee@example.com")
    await second("/ws/a", lee)  # the id is free


def process_of_red():
    client = valkey()
    [socket, *_] = client.smembers("madang:chat:of-group:red")
    for process in client.zrange("madang:chat:processes", 0, -1):
        if client.hexists(b"madang:chat:of-process:" + process, socket):
            return process
    raise AssertionError("nobody holds the group")


async def test_a_process_that_lives_puts_right_what_valkey_lost(
    talk, house, call, kim, monkeypatch
):
    monkeypatch.setattr(switchboard, "SWEEP_SECONDS", 0.2)
    monkeypatch.setattr(switchboard, "REFRESH_SECONDS", 0.2)
    alpha, beta = await talk("/ws/alpha/red", kim), await talk("/ws/beta", kim)
    number = (await beta.line()).partition("numeric ID: ")[2]
    await beta.all()

    await in_thread(valkey().flushdb)

    frame = await beta.frame("client_list")
    while len(frame["clients"]) < 2:
        frame = await beta.frame("client_list")
    entries = {one["original_client_id"]: one for one in frame["clients"]}
    assert f"{entries['beta']['client_id']})" == number  # it keeps its number
    await beta.say("/send_to alpha are you there")
    assert await beta.line() == "Message sent to client 'alpha'"
    assert await alpha.until("Private message from client 'beta': are you there")
    await beta.say("/join red")
    assert await beta.line() == "Joined group: red"
    await alpha.say("/group yes")
    assert await beta.line() == "Group message from client 'alpha': yes"


async def test_a_client_that_does_not_read_delays_nobody_and_is_closed(
    servers, talks, kim
):
    first, second = talks
    stopped = await first("/ws/stopped/red", kim, ping_interval=None)
    await stopped.line()
    stopped.socket.transport.pause_reading()
    sender, reader = await first("/ws/1/red", kim), await second("/ws/2/red", kim)
    await reader.line()

    slowest, text, heard = 0, "x" * 1_000_000, []
    for number in range(150):  # more than any buffer between holds
        began = time.monotonic()
        await sender.say(f"{number} {text}")
        heard += await reader.until(f"Client '1': {number} {text}")
        slowest = max(slowest, time.monotonic() - began)

    assert slowest < 2
    assert "Client 'stopped' has disconnected" in heard
    with contextlib.suppress(Exception):
        await asyncio.wait_for(stopped.close(), 1)
