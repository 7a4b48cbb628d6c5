"""Commands over the stub's socket, on a real sshd."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from sshops.models import AuditEntry, Lease
from tests import factories
from tests.sshops.stub import PATH, Client

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_close_connections"),
]


@sync_to_async
def audited(kind="command"):
    """Return (text, outcome, exit status, error code) of the entries, oldest first."""
    rows = AuditEntry.objects.begun().filter(kind=kind).order_by("id")
    return [
        (row.text, row.last.outcome, row.last.exit_status, row.last.error_code)
        for row in rows
    ]


@pytest.fixture
def db1(sshd, transactional_db):
    return factories.server(sshd, name="db1")


async def test_a_command_from_beginning_to_end(client, db1):
    await client.say(
        "ssh_command", {"server_name": "DB1", "command": "echo a; (exit 3)"}
    )
    await client.hear("complete")

    locked, *statuses, output, unlocked, complete = client.heard[1:]
    assert locked["type"] == unlocked["type"] == "lock_status"
    assert (locked["locked"], locked["lock_owner"]) == (True, client.id)
    assert locked["locks"] == {"db1": client.id}
    assert (unlocked["locked"], unlocked["lock_owner"]) == (False, None)
    assert {status["type"] for status in statuses} == {"status"}
    assert output == {"type": "output", "data": "a\r\n"}
    assert (complete["exit_status"], complete["reason"]) == (3, "exit")
    assert "echo a; (exit 3)" in complete["message"]
    assert await audited() == [("echo a; (exit 3)", "complete", 3, None)]
    assert not await Lease.objects.aexists()


async def test_fields_beside_data_do_as_well(client, db1):
    await client.say("ssh_command", server="db1", command="echo a", stop_phrase="a")

    complete = await client.hear("complete")
    assert (complete["reason"], complete["exit_status"]) == ("stop_phrase", None)


async def test_the_terminal_is_as_asked_for(client, db1):
    output, _end = await client.runs(db1, "stty size; echo $TERM")
    assert output == "24 80\r\nvt100\r\n"

    output, _end = await client.runs(
        db1, "stty size; echo $TERM", cols=132, rows=50, term="xterm-256color"
    )
    assert output == "50 132\r\nxterm-256color\r\n"


async def test_the_shell_is_an_interactive_login_shell(client, db1):
    output, _end = await client.runs(db1, "shopt login_shell; echo $-")

    assert "login_shell" in output
    assert "on" in output.split()
    assert "i" in output.split()[-1]


async def test_quotes_and_lines_arrive_as_they_are(client, db1):
    output, _end = await client.runs(db1, "printf '%s|' \"it's\" '$HOME'\necho 한글")

    assert output == "it's|$HOME|한글\r\n"


async def test_the_stop_phrase_does_not_count_in_the_command(client, db1):
    loop = asyncio.get_running_loop()
    begun = loop.time()

    output, end = await client.runs(
        db1, "sleep 0.8; echo DONE; sleep 60", stop_phrase="DONE"
    )

    assert 0.8 < loop.time() - begun < 10
    assert output == "DONE\r\n"
    assert end["reason"] == "stop_phrase"


async def test_a_server_has_a_phrase_of_its_own(client, db1):
    _output, end = await client.runs(
        db1, "echo '[SUCC] PostgreSQL load data unload Process'; sleep 60"
    )

    assert end["reason"] == "stop_phrase"


async def test_input_reaches_what_runs(client, db1):
    await client.say(
        "ssh_command", server="db1", command="read -r line; echo got:$line"
    )
    await client.hear("status")
    await client.say("ssh_input", {"input": "hello\n"})

    await client.hear("complete")

    assert client.output.endswith("got:hello\r\n")
    assert await audited("input") == [
        ("1 times, 6 characters in all", "complete", None, None)
    ]


async def test_input_is_kept_where_settings_say_so(client, db1, settings):
    settings.SSHOPS_AUDIT_INPUT = True
    await client.say("ssh_command", server="db1", command="read -r line")
    await client.say("ssh_input", input="hello\n")

    await client.hear("complete")

    assert await audited("input") == [("hello\n", "complete", None, None)]


async def test_control_c_is_input(client, db1):
    await client.say("ssh_command", server="db1", command="echo up; sleep 60")
    await client.hear("output")
    await client.say("ssh_input", {"input": "\x03"})

    complete = await client.hear("complete")

    # The shell hands the signal on, or ends with an error.
    assert complete["reason"] in ("closed", "exit")
    assert complete["exit_status"] != 0


async def test_a_terminal_is_resized(client, db1):
    await client.say("ssh_command", server="db1", command="echo up; read -r; stty size")
    await client.hear("output")
    await client.say("ssh_resize", {"cols": 100, "rows": 30})
    await client.say("ssh_input", {"input": "\n"})

    await client.hear("complete")

    assert client.output.endswith("30 100\r\n")


async def test_cancelling_hangs_up(client, db1, tmp_path):
    pid_file = tmp_path / "pid"
    await client.say(
        "ssh_command",
        server="db1",
        command=f"sh -c 'echo $$ >{pid_file}; echo up; sleep 99'",
    )
    await client.hear("output")
    await client.say("ssh_cancel")

    await client.hear("cancelled")

    assert client.types[-2:] == ["lock_status", "cancelled"]
    await gone(int(pid_file.read_text()))
    assert [row[1] for row in await audited()] == ["cancelled"]
    _output, end = await client.runs(db1, "echo again")
    assert end["type"] == "complete"


async def test_leaving_hangs_up(client, db1, tmp_path):
    pid_file = tmp_path / "pid"
    await client.say(
        "ssh_command",
        server="db1",
        command=f"sh -c 'echo $$ >{pid_file}; echo up; sleep 99'",
    )
    await client.hear("output")

    await client.leave()

    await gone(int(pid_file.read_text()))
    assert [row[1] for row in await audited()] == ["disconnected"]
    assert not await Lease.objects.aexists()


async def gone(pid):
    async with asyncio.timeout(5):
        while True:
            try:
                with open(f"/proc/{pid}/stat") as stat:  # noqa: ASYNC230
                    if stat.read().split()[2] == "Z":
                        return
            except FileNotFoundError:
                return
            await asyncio.sleep(0.02)


async def test_cancelling_while_connecting(client, silent_port):
    await sync_to_async(factories.server)(name="mute", port=silent_port)
    await client.say("ssh_command", server="mute", command="ls")
    await client.hear("status")

    await client.say("ssh_cancel")

    await client.hear("cancelled")
    assert not await Lease.objects.aexists()


async def test_a_command_takes_too_long(client, db1, settings):
    settings.SSHOPS_COMMAND_TIMEOUT = 3

    output, end = await client.runs(db1, "echo begun; sleep 60")

    assert output == "begun\r\n"
    assert end["error_code"] == 22001
    assert await audited() == [("echo begun; sleep 60", "error", None, 22001)]


async def test_a_connection_that_breaks(client, make_sshd):
    sshd = await asyncio.to_thread(make_sshd)
    server = await sync_to_async(factories.server)(sshd)
    await client.say(
        "ssh_command", server=server.name, command="echo up; read -r; kill -9 $PPID"
    )
    await client.hear("output")
    await client.say("ssh_input", input="\n")

    error = await client.hear("error")

    assert error["error_code"] == 20005
    assert client.output.startswith("up\r\n")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"host_key": ""}, 21003),
        ({"private_key": None}, 21000),
        ({"username": "nobody-of-this-name"}, 21000),
    ],
)
async def test_a_login_that_fails(client, sshd, fields, code):
    server = await sync_to_async(factories.server)(sshd, **fields)

    _output, end = await client.runs(server, "ls")

    assert end["error_code"] == code
    assert await audited() == [("ls", "error", None, code)]
    assert not await Lease.objects.aexists()


async def test_one_thing_at_a_time(client, db1):
    await client.say("ssh_command", server="db1", command="read -r; echo over")
    await client.hear("status")

    assert await client.fails("ssh_command", server="db1", command="ls") == 50010

    await client.say("ssh_input", input="\n")
    await client.hear("complete")
    assert client.output.endswith("over\r\n")


@pytest.mark.parametrize("command", ["#" + "한" * 65_535, "echo ok #" + "'" * 30_000])
async def test_a_line_longer_than_the_server_takes_is_told(client, db1, command):
    assert await client.fails("ssh_command", server="db1", command=command) == 22000


@pytest.mark.parametrize("name", ["db1\0", "\0"])
async def test_no_server_has_a_zero_in_its_name(client, db1, name):
    assert await client.fails("ssh_command", server=name, command="ls") == 23002


async def test_much_output_arrives_whole_and_in_order(client, db1):
    output, end = await client.runs(db1, "seq 200000", throttle_interval=0)

    assert output.split() == [str(n) for n in range(1, 200001)]
    assert end["exit_status"] == 0
    longest = max(len(m["data"]) for m in client.heard if m["type"] == "output")
    assert longest <= 65536


async def test_a_hundred_hanging_connects_keep_nobody_waiting(
    socket, operator, silent_port, settings
):
    settings.SSHOPS_CONNECT_TIMEOUT = 60
    names = [f"mute-{number}" for number in range(100)]
    await sync_to_async(make_servers)(names, silent_port)
    clients = [Client(socket(PATH, operator)) for _ in names]
    for client, name in zip(clients, names, strict=True):
        await client.join()
        await client.say("ssh_command", server=name, command="ls")
        await client.hear("status")
    loop = asyncio.get_running_loop()

    begun = loop.time()
    await Client(socket(PATH, operator)).join()

    assert loop.time() - begun < 0.2
    await asyncio.gather(*(client.leave() for client in clients))
    assert not await Lease.objects.aexists()


def make_servers(names, port):
    for name in names:
        factories.server(name=name, port=port)
