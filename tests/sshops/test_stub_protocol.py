"""The stub's socket: who gets in, what is no message; the session and the locks."""

import asyncio
import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from rest_framework_simplejwt.tokens import AccessToken

from config.routing import websockets
from sshops import leases
from sshops.models import AuditEntry, Lease
from tests import factories
from tests.conftest import token
from tests.sshops.conftest import allow
from tests.sshops.stub import PATH, Client

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_close_connections"),
]


@pytest.fixture
async def other(socket, operator):
    """Another connection of the operator, welcomed."""
    client = Client(socket(PATH, operator))
    await client.join()
    return client


@pytest.fixture
def db1(sshd, transactional_db):
    return factories.server(sshd, name="db1")


@pytest.fixture
def db2(sshd, transactional_db):
    return factories.server(sshd, name="db2")


# Who gets in


async def refused(communicator):
    connected, _protocol = await communicator.connect(10)
    assert connected
    message = await communicator.receive_output(10)
    assert message["type"] == "websocket.close"
    return message["code"]


async def test_nobody_is_told_to_sign_in(socket):
    assert await refused(socket(PATH)) == 4401


async def test_a_stranger_has_no_right(socket, outsider):
    assert await refused(socket(PATH, outsider)) == 4403


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", f"{PATH}/an-id-of-its-own"])
async def test_the_path_of_older_clients(socket, operator, path):
    welcome = await Client(socket(path, operator)).join()

    assert welcome == {
        "type": "welcome",
        "message": welcome["message"],
        "connection_id": welcome["connection_id"],
        "lock_status": {"locked": False, "lock_owner": None},
        "session_status": {"active": False, "owner": None},
        "session_active": False,
        "session_owner": None,
        "server_health": {},
    }


async def test_a_token_may_come_as_a_subprotocol(operator, socket):
    communicator = WebsocketCommunicator(
        websockets, PATH, subprotocols=["bearer", token(operator)]
    )

    assert await communicator.connect(10) == (True, "bearer")

    await communicator.disconnect()


async def test_a_right_that_is_taken_away_is_gone_at_once(client, operator, db1):
    await operator.user_permissions.aclear()

    assert await client.fails("ssh_command", server="db1", command="ls") == 11001
    assert await client.fails("start_session") == 11001
    assert not await AuditEntry.objects.aexists()


async def test_an_expired_token_ends_at_the_next_start(socket, operator, db1):
    short = AccessToken.for_user(operator)
    short.set_exp(lifetime=timedelta(seconds=1.5))
    client = Client(socket(f"{PATH}?token={short}"))
    await client.join()
    async with asyncio.timeout(10):
        while True:
            await client.say("get_lock_status")
            await client.hear("lock_status")
            await client.say("start_session")
            message = await client.communicator.receive_output(5)
            if message["type"] == "websocket.close":
                assert message["code"] == 4401
                return
            await client.say("end_session")
            await asyncio.sleep(0.1)
            while not await client.communicator.receive_nothing(0.05):
                await client.communicator.receive_output(5)


async def test_servers_of_others_are_unknown(client, db1):
    await db1.allowed_users.aadd(await sync_to_async(factories.user)())

    assert await client.fails("ssh_command", server="db1", command="ls") == 23002


# What is no message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", 31002),
        ("[]", 31002),
        ("null", 31002),
        ("{}", 31002),
        ('{"type": 1}', 31002),
        ('{"type": []}', 31002),
        ("[" * 5000, 31002),
        ('{"type": "nonsense"}', 32000),
        ('{"type": "ssh_command", "data": []}', 12001),
        ('{"type": "ssh_command"}', 12002),
        ('{"type": "ssh_command", "server": "db1"}', 12002),
        ('{"type": "ssh_command", "server": "db1", "command": ""}', 12002),
        ('{"type": "ssh_command", "server": "db1", "command": 1}', 12001),
        ('{"type": "ssh_command", "server": "db1", "command": "a\\u0000"}', 12001),
        ('{"type": "ssh_command", "server": "db1", "command": "\\ud800"}', 12001),
        ('{"type": "ssh_command", "server": [], "command": "ls"}', 12001),
        ('{"type": "ssh_command", "server": "none", "command": "ls"}', 23002),
        ('{"type": "ssh_input", "input": ""}', 12002),
        ('{"type": "ssh_input", "input": 7}', 12001),
        ('{"type": "ssh_input", "input": "x"}', 20004),
        ('{"type": "ssh_resize", "cols": 80}', 12002),
        ('{"type": "ssh_resize", "cols": 80, "rows": 501}', 12001),
        ('{"type": "ssh_resize", "cols": 80, "rows": true}', 12001),
        ('{"type": "ssh_resize", "cols": 80, "rows": 24}', 20004),
        ('{"type": "ssh_cancel"}', 50011),
        ('{"type": "end_session"}', 50005),
    ],
)
async def test_a_message_that_is_none(client, text, code):
    await client.communicator.send_to(text_data=text)

    error = await client.hear("error")

    assert error["error_code"] == code
    assert error["message"]
    await client.say("get_lock_status")
    await client.hear("lock_status")


@pytest.mark.parametrize(
    "fields",
    [
        {"command": "x" * 65537},
        {"stop_phrase": "x" * 513},
        {"stop_phrase": "a\nb"},
        {"stop_phrase": 5},
        {"throttle_interval": -0.1},
        {"throttle_interval": 5.1},
        {"throttle_interval": "0.1"},
        {"throttle_interval": True},
        {"throttle_interval": float("nan")},
        {"throttle_interval": 10**400},
        {"cols": 10**400},
        {"cols": 0},
        {"rows": 501},
        {"cols": 80.5},
        {"term": "x" * 65},
        {"term": "a b"},
    ],
)
async def test_a_value_out_of_range(client, db1, fields):
    fields = {"server": "db1", "command": "ls", **fields}

    assert await client.fails("ssh_command", fields) == 12001
    assert not await Lease.objects.aexists()
    assert not await AuditEntry.objects.aexists()


async def test_binary_frames_are_refused(client):
    await client.communicator.send_to(bytes_data=b"{}")

    assert (await client.hear("error"))["error_code"] == 31002


async def test_a_message_over_a_mebibyte(client):
    text = json.dumps(
        {"type": "get_lock_status", "x": "한" * 400_000}, ensure_ascii=False
    )
    await client.communicator.send_to(text_data=text)

    assert (await client.hear("error"))["error_code"] == 31003


# The session


async def test_a_session_from_beginning_to_end(client, other, db1):
    await client.say("start_session")
    started = await client.hear("session_started")
    status = await client.next()
    assert started["session_owner"] == client.id
    assert (status["type"], status["session_owner"]) == ("session_status", client.id)
    assert (await other.hear("session_status"))["session_active"] is True

    _output, end = await client.runs(db1, "true")

    assert "lock_status" not in client.types
    assert end["type"] == "complete"

    await client.say("end_session")
    await client.hear("session_ended")
    status = await client.next()
    assert (status["type"], status["session_active"], status["session_owner"]) == (
        *("session_status", False),
        None,
    )
    assert (await other.hear("session_status"))["session_active"] is False
    assert "lock_status" not in other.types


async def test_a_session_is_of_one_alone(client, other, db1):
    await client.say("start_session")
    await client.hear("session_status")

    for type in ("ssh_command", "end_session", "start_session"):
        await other.say(type, {"server": "db1", "command": "ls"})
        error = await other.hear("error")
        code = 50004 if type == "start_session" else 50006
        assert error["error_code"] == code
        assert (error["session_active"], error["session_owner"]) == (True, client.id)
    assert await other.fails("ssh_input", input="x") == 20004
    assert await client.fails("start_session") == 50004
    await other.say("get_lock_status")
    await other.hear("lock_status")


async def test_who_comes_late_sees_whose_session_it_is(client, socket, operator):
    await client.say("start_session")
    await client.hear("session_status")

    welcome = await Client(socket(PATH, operator)).join()

    assert welcome["session_status"] == {"active": True, "owner": client.id}
    assert (welcome["session_active"], welcome["session_owner"]) == (True, client.id)


async def test_a_session_ends_with_its_owner(client, other):
    await client.say("start_session")
    await other.hear("session_status")

    await client.leave()

    assert (await other.hear("session_status"))["session_active"] is False
    assert await other.fails("end_session") == 50005


async def test_ending_a_session_cancels_what_runs(client, other, db1):
    await client.say("start_session")
    await client.say("ssh_command", server="db1", command="echo up; sleep 60")
    await client.hear("output")

    await client.say("end_session")

    await client.hear("session_ended")
    await client.hear("session_status")
    assert not {"complete", "error"} & {*client.types}
    entries = AuditEntry.objects.begun().filter(kind="command").order_by("id")
    assert [entry.last.outcome async for entry in entries] == ["cancelled"]
    await other.say("start_session")
    await other.hear("session_started")


# Locks


async def test_a_command_locks_its_server_and_no_other(client, other, db1, db2):
    await client.say("ssh_command", server="db1", command="echo up; read -r")
    await client.hear("output")
    seen = await other.hear("lock_status")
    assert (seen["locked"], seen["lock_owner"]) == (True, client.id)
    assert seen["locks"] == {"db1": client.id}

    await other.say("ssh_command", server="db1", command="ls")
    error = await other.hear("error")
    assert error["error_code"] == 50008
    assert (error["locked"], error["lock_owner"]) == (True, client.id)
    assert await other.fails("start_session") == 50008

    _output, end = await other.runs(db2, "echo a")
    assert end["type"] == "complete"
    locks = [m["locks"] for m in other.heard if m["type"] == "lock_status"]
    assert locks == [{"db1": client.id, "db2": other.id}, {"db1": client.id}]

    await client.say("ssh_input", input="\n")
    await client.hear("complete")
    unlocked = await other.hear("lock_status")
    assert (unlocked["locked"], unlocked["lock_owner"], unlocked["locks"]) == (
        *(False, None),
        {},
    )


async def test_locks_of_a_foreign_server_are_not_told(client, operator, db1, socket):
    await sync_to_async(db1.allowed_users.add)(operator)
    colleague = await sync_to_async(factories.user)("colleague@example.com")
    stranger = await sync_to_async(allow)(colleague, "use_terminal")
    other = Client(socket(PATH, stranger))
    await other.join()

    await client.say("ssh_command", server="db1", command="echo up; read -r")
    await client.hear("output")
    await client.say("get_lock_status")
    assert (await client.hear("lock_status"))["locks"] == {"db1": client.id}
    await other.say("get_lock_status")
    told = await other.hear("lock_status")

    assert (told["locked"], told["lock_owner"], told["locks"]) == (False, None, {})
    assert [m["type"] for m in other.heard].count("lock_status") == 1
    await client.say("ssh_input", input="\n")
    await client.hear("complete")


async def test_a_lease_that_nobody_renews_runs_out(client, operator, db1, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0)
    change = await sync_to_async(leases.start_session)("a dead process' connection")
    monkeypatch.setattr(leases, "LEASE_SECONDS", 15)
    assert change.lease.pk

    await sync_to_async(leases.renew)(())

    await client.say("start_session")
    await client.hear("session_started")
    lease = await Lease.objects.aget()
    assert lease.pk > change.lease.pk  # the fencing number


async def test_who_loses_a_lease_is_told_and_stops(client, db1, monkeypatch):
    monkeypatch.setattr(leases, "RENEWAL_SECONDS", 0.2)
    await client.say("ssh_command", server="db1", command="echo up; sleep 60")
    await client.hear("output")

    await Lease.objects.all().adelete()

    error = await client.hear("error")
    assert error["error_code"] == 50008


async def test_a_state_that_is_older_is_not_told(client):
    state = leases.State(0, "somebody", {})
    await sync_to_async(leases.publish)(
        leases.STATE_GROUP, "stub.state", version=0, session_owner="x", locks={}
    )

    await client.hears_nothing()
    assert state.lock_owner is None
