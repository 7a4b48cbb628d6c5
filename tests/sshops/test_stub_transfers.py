"""Transfers that a client of the stub's socket asks for."""

import os
from functools import partial

import pytest

from config.realtime import in_thread
from sshops import transfers
from sshops.commands import Caller
from sshops.models import AuditEntry, Transfer, TransferRun
from tests import factories

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_close_connections", "nudged"),
]


@pytest.fixture
def stub_data(sshd, other_sshd, tmp_path, transactional_db):
    """The transfer of the replaced service, and the folders it is between."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "a.dat").write_bytes(os.urandom(400_000))
    (here / "b.dat").write_bytes(b"b")
    return Transfer.objects.create(
        name="stub_data_transfer",
        source_server=factories.server(sshd, name="mdwap1p"),
        source_path=f"{here}/*.dat",
        target_server=factories.server(other_sshd, name="mypap1d"),
        target_path=f"{there}/",
    )


async def in_session(client):
    await client.say("start_session")
    await client.hear("session_status")
    client.heard.clear()


async def test_a_transfer_from_beginning_to_end(client, stub_data):
    await in_session(client)
    await client.say("scp_transfer")

    complete = await client.hear("complete", seconds=30)

    assert client.types[0] == "status"
    lines = client.output.splitlines()
    assert [line.split()[0].rpartition("/")[2] for line in lines] == ["a.dat", "b.dat"]
    assert "SCP" in complete["message"]
    assert (complete["exit_status"], complete["reason"]) == (None, "exit")
    shown = [m for m in client.heard if m["type"] == "transfer_progress"]
    assert {*shown[-1]} >= {
        *("transfer_name", "file", "file_bytes", "file_size"),
        *("files_done", "files_total"),
    }
    assert "lock_status" not in client.types
    _output, end = await client.runs(stub_data.source_server, "true")
    assert end["type"] == "complete"


async def test_without_a_session_or_a_right_there_is_none(client, stub_data, operator):
    assert await client.fails("scp_transfer") == 50005
    await in_session(client)
    assert await client.fails("scp_transfer", transfer_name=5) == 12001
    assert await client.fails("scp_transfer", {"transfer_name": "none"}) == 24001

    rights = operator.user_permissions.filter(codename="use_transfer")
    await operator.user_permissions.aremove(*[right async for right in rights])
    assert await client.fails("scp_transfer") == 11001
    assert not await TransferRun.objects.aexists()


async def test_nothing_to_copy(client, stub_data):
    await Transfer.objects.aupdate(source_path="/no/such/folder/*")
    await in_session(client)
    await client.say("scp_transfer", transfer_name="STUB_DATA_TRANSFER")

    error = await client.hear("error", seconds=30)

    assert error["error_code"] == 24000


async def outcome():
    entry = await AuditEntry.objects.begun().aget(kind="transfer")
    return entry.last.outcome


async def test_it_is_cancelled_like_a_command(client, stub_data):
    await Transfer.objects.aupdate(rate_limit=50_000)
    await in_session(client)
    await client.say("scp_transfer")
    while (await client.hear("transfer_progress", seconds=30))["file_bytes"] == 0:
        pass
    assert await client.fails("ssh_command", server="mdwap1p", command="ls") == 50010
    assert await client.fails("ssh_input", input="x") == 20004

    await client.say("ssh_cancel")

    await client.hear("cancelled")
    assert await outcome() == "cancelled"


async def test_leaving_cancels_it(client, stub_data):
    await Transfer.objects.aupdate(rate_limit=50_000)
    await in_session(client)
    await client.say("scp_transfer")
    await client.hear("transfer_progress", seconds=30)

    await client.leave()

    assert (await TransferRun.objects.aget()).state == "cancelled"
    assert await outcome() == "disconnected"


async def test_ending_the_session_cancels_it(client, stub_data):
    await Transfer.objects.aupdate(rate_limit=50_000)
    await in_session(client)
    await client.say("scp_transfer")
    await client.hear("transfer_progress", seconds=30)

    await client.say("end_session")

    await client.hear("session_ended")
    assert (await TransferRun.objects.aget()).state == "cancelled"


async def test_who_asked_elsewhere_follows_here(client, stub_data, operator):
    await client.say("follow_transfers")
    await client.say("follow_transfers")  # tells nothing twice
    await client.say("get_lock_status")
    await client.hear("lock_status")
    client.heard.clear()
    caller = Caller(operator, "", "10.1.2.3")
    ask = partial(transfers.ask, caller, stub_data.name, in_session=False)

    run = await in_thread(ask)
    await in_thread(transfers.cancel, run.pk)

    told = [await client.hear("transfer_run"), await client.hear("transfer_run")]
    assert [message["run"]["state"] for message in told] == ["queued", "cancelled"]
    assert {message["run"]["id"] for message in told} == {str(run.pk)}
    assert {"bytes_done", "bytes_total", "bytes_a_second", "seconds_left"} <= {*told[0]}
    await client.hears_nothing()


async def test_without_the_right_nobody_follows(client, operator):
    rights = operator.user_permissions.filter(codename="use_transfer")
    await operator.user_permissions.aremove(*[right async for right in rights])

    assert await client.fails("follow_transfers") == 11001
