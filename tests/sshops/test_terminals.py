"""Terminals that outlive their tabs, on a real sshd."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from config.realtime import in_thread
from sshops import audit, servers, terminals
from sshops.models import AuditEntry, Recording, Terminal
from sshops.shell_host import WINDOW_BYTES
from sshops.shells import AHEAD, READ_BYTES
from tests import factories
from tests.sshops.hosting import Hosting

pytestmark = pytest.mark.django_db(transaction=True)


async def stored(terminal, condition):
    """Return the row once a condition holds."""
    async with asyncio.timeout(15):
        while True:
            row = await in_thread(Terminal.objects.get, pk=terminal.pk)
            if condition(row):
                return row
            await asyncio.sleep(0.05)


def is_over(row):
    return row.state == "ended"


async def test_it_is_a_terminal(opened, operator, server):
    _terminal, one = await opened(operator, server)

    await one.type("tty; stty size; echo $TERM; echo 한글 | cat\n")
    await one.until("한글\r\n> ")

    shown = one.shown.decode().split("READY\r\n> ")[1]
    assert shown.startswith("/dev/pts/")
    assert "\r\n24 80\r\nxterm-256color\r\n한글\r\n> " in shown


async def test_its_size_changes(opened, operator, server):
    _terminal, one = await opened(operator, server)

    await one.say(type="resize", cols=132, rows=50)
    assert await one.told("resized") == {"type": "resized", "cols": 132, "rows": 50}
    await one.type("stty size\n")

    await one.until("50 132\r\n")


async def test_it_ends_with_its_shell(opened, operator, server):
    terminal, one = await opened(operator, server)

    await one.type("exit 3\n")

    ended = await one.told("ended")
    assert ended == {"type": "ended", "reason": "exit", "exit_status": 3}
    assert await one.closed() == 1000
    row = await stored(terminal, is_over)
    assert (row.end_reason, row.exit_status) == ("exit", 3)
    begun = await in_thread(AuditEntry.objects.begun().get)
    assert (begun.kind, begun.user, begun.server_name) == (
        "session",
        "operator@example.com",
        server.name,
    )
    assert (begun.last.outcome, begun.last.exit_status) == ("complete", 3)
    assert await in_thread(lambda: list(audit.verify())) == []


async def test_every_line_once_after_a_lost_connection(
    opened, screen, operator, server
):
    terminal, one = await opened(operator, server)
    await one.type(
        "for i in $(seq 100); do echo line-$i; sleep 0.02; done; echo OV''ER\n"
    )
    await one.until("line-20\r\n")

    await one.communicator.disconnect()
    await stored(terminal, lambda row: not row.is_attached)
    await asyncio.sleep(0.5)  # lines that nobody sees go by
    two = await screen(terminal, operator, f"from={one.offset}")
    await two.until("OVER\r\n> ")

    numbers = re.findall(rb"line-(\d+)\r\n", one.shown + two.shown)
    assert list(map(int, numbers)) == list(range(1, 101))


async def test_a_new_tab_gets_all_of_it_again(opened, screen, operator, server):
    terminal, one = await opened(operator, server)
    await one.type("echo fir''st\n")
    await one.until("first\r\n> ")
    await one.communicator.disconnect()

    two = await screen(terminal, operator)
    attached = await two.told("attached")
    await two.until("first\r\n> ")

    assert (attached["offset"], attached["end"]) == (0, len(one.shown))
    assert two.shown == one.shown


async def test_what_was_overwritten_is_told(opened, screen, operator, server, settings):
    settings.SSHOPS_SCROLLBACK_BYTES = 0  # the least that there is
    terminal, one = await opened(operator, server)
    await one.type("seq -w 70000; echo OV''ER\n")
    await one.until("OVER\r\n> ")
    await one.communicator.disconnect()

    two = await screen(terminal, operator)
    attached = await two.told("attached")
    await two.until("OVER\r\n> ")

    assert attached["end"] - attached["offset"] <= AHEAD + READ_BYTES
    assert two.shown == one.shown[attached["offset"] :]
    assert one.shown[attached["offset"] - 2 : attached["offset"]] == b"\r\n"


async def test_another_device_takes_over_and_gives_back(
    opened, screen, operator, server
):
    terminal, one = await opened(operator, server)

    two = await screen(terminal, operator)
    assert (await two.told("attached"))["writes"] is True
    await one.told("taken")
    await one.type("echo from-o''ne\n")
    await two.type("echo from-t''wo\n")
    await two.until("from-two\r\n> ")
    await one.until("from-two\r\n> ")
    await one.say(type="take")
    await one.told("given")
    await two.told("taken")
    await one.type("echo ag''ain\n")
    await two.until("again\r\n> ")

    assert b"from-one" not in two.shown


async def test_who_types_already_takes_it_from_nobody(opened, operator, server):
    _terminal, one = await opened(operator, server)

    await one.say(type="take")
    await one.told("given")
    await one.type("echo st''ill\n")
    await one.until("still\r\n> ")

    assert "taken" not in [message["type"] for message in one.messages]


async def test_a_supervisor_looks_on(opened, screen, operator, supervisor, server):
    terminal, one = await opened(operator, server)

    two = await screen(terminal, supervisor)
    assert (await two.told("attached"))["writes"] is False
    for message in ({"type": "take"}, {"type": "end"}, {"type": "resize"}):
        await two.say(**message)
        assert (await two.told("error"))["error_code"] == 11001
    await two.type("echo me''ddling\n")
    assert (await two.told("error"))["error_code"] == 11001
    await one.type("echo mi''ne\n")
    await two.until("mine\r\n> ")

    assert b"meddling" not in one.shown


async def test_a_supervisor_ends_it(opened, operator, supervisor, server):
    terminal, one = await opened(operator, server)
    await one.type("sleep 1000 & echo pid-$!.\n")
    await one.until(".\r\n> ")
    pid = int(re.search(rb"pid-(\d+)\.", one.shown)[1])

    await in_thread(terminals.end, supervisor, terminal.pk)

    assert (await one.told("ended"))["reason"] == "ended"
    assert (await stored(terminal, is_over)).end_reason == "ended"
    entries = await in_thread(lambda: list(AuditEntry.objects.begun()))
    assert [(entry.user, entry.last.outcome) for entry in entries] == [
        ("supervisor@example.com", "complete"),
        ("operator@example.com", "cancelled"),
    ]
    await in_thread(wait_until_gone, pid)


async def test_it_ends_with_its_server(opened, operator, server):
    terminal, one = await opened(operator, server)
    await one.type("sleep 1000 & echo pid-$!.\n")
    await one.until(".\r\n> ")
    pid = int(re.search(rb"pid-(\d+)\.", one.shown)[1])

    await in_thread(servers.delete, server)

    await in_thread(wait_until_gone, pid)
    assert not await in_thread(Terminal.objects.filter(pk=terminal.pk).exists)
    entry = await in_thread(lambda: AuditEntry.objects.begun().get())
    assert entry.last.outcome == "cancelled"


def wait_until_gone(pid, seconds=5):
    deadline = time.monotonic() + seconds
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


async def test_left_alone_it_ends(opened, operator, server, settings):
    terminal, one = await opened(operator, server)

    settings.SSHOPS_DETACH_MINUTES = 0.01
    await one.communicator.disconnect()

    assert (await stored(terminal, is_over)).end_reason == "abandoned"


async def test_yes_is_stopped_by_who_does_not_read(opened, operator, server, hosting):
    terminal, one = await opened(operator, server, acknowledges=False)
    await one.type("yes\n")
    shell = hosting.host.shells[str(terminal.pk)]

    async with asyncio.timeout(30):
        while True:
            before = shell.ring.end
            await asyncio.sleep(1)
            if shell.ring.end == before > 0:
                break

    # A window of the browser's, and what may be read ahead.
    assert before - one.offset <= WINDOW_BYTES + AHEAD + READ_BYTES
    one.acknowledges = True
    while True:  # the rest of the window
        await one.step()
        if one.offset >= before:
            break
    await one.say(type="ack", offset=one.offset)
    await one.step()  # it flows again


async def test_ctrl_c_is_heard_through_a_flood(opened, operator, server):
    _terminal, one = await opened(operator, server)
    await one.type("yes\n")
    while one.offset < 5_000_000:
        await one.step()

    began = time.monotonic()
    await one.type("\x03")
    one.seen = len(one.shown)
    await one.until("> ")
    assert time.monotonic() - began < 1  # shared machine; the benchmark is stricter

    await one.type("echo st''opped\n")
    await one.until("stopped\r\n> ")


async def test_a_server_that_is_away_is_told(screen, hosting, operator, make_sshd):

    sshd = make_sshd()
    server = await in_thread(factories.server, sshd)
    sshd.stop()
    terminal = await in_thread(terminals.create, operator, server.name)

    one = await screen(terminal, operator)

    error = await one.told("error")
    assert (error["code"], error["error_code"]) == ("SSH_CONNECTION_REFUSED", 20002)
    assert await one.closed() == 1000
    row = await stored(terminal, is_over)
    begun = await in_thread(AuditEntry.objects.begun().get)
    assert (row.end_reason, begun.last.outcome) == ("failed", "error")
    assert begun.last.error_code == 20002


async def test_a_lost_server_ends_it(opened, operator, make_sshd):

    sshd = make_sshd()
    terminal, one = await opened(operator, await in_thread(factories.server, sshd))

    await in_thread(sshd.stop)

    assert (await one.told("ended"))["reason"] == "lost"
    begun = await in_thread(AuditEntry.objects.begun().get)
    await stored(terminal, is_over)
    begun = await in_thread(AuditEntry.objects.begun().get)
    assert begun.last.outcome == "disconnected"


async def test_a_new_host_buries_the_old_ones_terminals(
    opened, screen, operator, server, hosting
):
    terminal, _one = await opened(operator, server)

    await in_thread(hosting.stop)
    hosting.start()

    assert (await stored(terminal, is_over)).end_reason == "host_stopped"
    two = await screen(terminal, operator)
    assert (await two.told("error"))["code"] == "TERMINAL_ENDED"


async def test_there_is_one_host(hosting):

    with pytest.raises(OSError, match="Another process hosts terminals"):
        await in_thread(Hosting().start)


async def test_what_is_shown_is_recorded(opened, operator, server):
    terminal, one = await opened(operator, server)
    await one.type("exit\n")
    await one.closed()
    await stored(terminal, is_over)

    recording = await in_thread(Recording.objects.get, terminal=terminal)
    assert recording.is_complete
    assert recording.size == recording.path.stat().st_size
