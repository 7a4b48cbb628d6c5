"""The doors of a terminal's socket: who is let in, and what they may say there."""

import pytest

from config.realtime import in_thread
from sshops import terminals
from tests import factories
from tests.sshops.conftest import allow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("who", "code"),
    [(None, 4401), ("outsider", 4403), ("colleague", 4403), ("operator", 4404)],
)
async def test_who_is_turned_away(
    request, screen, operator, server, hosting, who, code
):

    terminal = await in_thread(terminals.create, operator, server.name)
    user = None
    if who == "colleague":  # may use terminals, but this is another's
        user = await in_thread(factories.user, "colleague@example.com")
        await in_thread(allow, user, "use_terminal")
    elif who == "outsider":
        user = await in_thread(factories.user, "outsider@example.com")
    elif who == "operator":
        user, terminal.pk = operator, "7c1f0000-0000-4000-8000-000000000000"

    one = await screen(terminal, user)

    assert await one.closed() == code


async def test_a_server_that_became_foreign_is_shut(
    screen, operator, boss, server, hosting
):
    terminal = await in_thread(terminals.create, operator, server.name)
    await in_thread(server.allowed_users.add, boss)

    one = await screen(terminal, operator)

    assert await one.closed() == 4403


async def test_a_right_taken_away_ends_it(opened, operator, server, monkeypatch):
    monkeypatch.setattr("sshops.terminal_consumer.RIGHTS_SECONDS", 0.1)
    _terminal, one = await opened(operator, server)

    await in_thread(operator.user_permissions.clear)

    assert await one.closed() == 4403


@pytest.mark.parametrize(
    "query",
    ["cols=x", "cols=501", "rows=-1", "cols=90", "rows=33", "from=9" + "9" * 30],
)
async def test_a_bad_query_is_refused(screen, operator, server, hosting, query):
    terminal = await in_thread(terminals.create, operator, server.name)

    one = await screen(terminal, operator, query)

    assert await one.closed() == 4400


@pytest.mark.parametrize(
    "text",
    [
        *("no json", "[" * 100_000, "[]", "{}", '{"type": []}', '{"type": "shout"}'),
        *('{"type": "ack"}', '{"type": "ack", "offset": -1}'),
        *(
            '{"type": "ack", "offset": true}',
            '{"type": "resize", "cols": 0, "rows": 1}',
        ),
        '{"type": "resize", "cols": 501, "rows": 24}',
    ],
)
async def test_a_bad_message_is_told_and_the_terminal_lives(
    opened, operator, server, text
):
    _terminal, one = await opened(operator, server)

    await one.communicator.send_to(text_data=text)
    assert (await one.told("error"))["error_code"] == 12001

    await one.type("echo al''ive\n")
    await one.until("alive\r\n> ")


async def test_without_a_host_one_is_told_to_come_back(screen, operator, server):
    terminal = await in_thread(terminals.create, operator, server.name)

    one = await screen(terminal, operator)

    assert await one.closed() == 4503
