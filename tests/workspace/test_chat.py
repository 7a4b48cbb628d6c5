"""Chat sockets: who may connect, under which id, and what becomes of wrong frames."""

import asyncio
import contextlib

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from config.realtime import in_thread
from tests import factories
from tests.workspace.talk import PATIENCE
from workspace import people
from workspace.chat import directory, rate


@pytest.fixture
def lee(transactional_db):
    """Another ordinary person."""
    return factories.user("lee@example.com", uname="Lee")


async def refused(talk, path, user=None, **options):
    """Return the status of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        await talk(path, user, **options)
    return refusal.value.response.status_code


async def greeted(talk, path, user, **options):
    """Return a Talker that has been greeted, and the line that did it."""
    talker = await talk(path, user, **options)
    return talker, await talker.line()


# Who may connect, as whom


@pytest.mark.parametrize("path", ["/ws", "/ws/a", "/ws/a/g", "/ws/auth", "/api/ws/a"])
async def test_nobody_is_refused(talk, path):
    assert await refused(talk, path) == 401


async def test_a_page_reads_why_from_the_close_code(talk, house):
    stranger = await talk("/ws/a", origin=house.url)

    with pytest.raises(ConnectionClosed) as closed:
        await stranger.hear()
    assert closed.value.rcvd.code == 4401


async def test_the_token_may_come_by_query_or_subprotocol(house, kim):
    from websockets.asyncio.client import connect

    from tests.conftest import token

    url = f"{house.ws}/workspace/ws"
    async with connect(f"{url}?token={token(kim)}", proxy=None) as socket:
        await asyncio.wait_for(socket.recv(), PATIENCE)
    protocols = ["bearer", token(kim)]
    async with connect(url, subprotocols=protocols, proxy=None) as socket:
        assert socket.subprotocol == "bearer"
        await asyncio.wait_for(socket.recv(), PATIENCE)


@pytest.mark.parametrize(
    ("path", "greeting"),
    [
        ("/ws/007", "Connected as client #7"),
        ("/ws/0", "Connected as client #0"),
        ("/ws/5/", "Connected as client #5"),
        ("/api/ws/5/red", "Connected as client #5 in group 'red'"),
        ("/ws/auth", "Connected as authenticated user: Kim (kim@example.com)"),
        ("/ws/" + "9" * 18, f"Connected as client #{'9' * 18}"),
    ],
)
async def test_greetings(talk, kim, path, greeting):
    _talker, line = await greeted(talk, path, kim)

    assert line == greeting


@pytest.mark.parametrize(
    ("path", "start", "end"),
    [
        ("/ws/a%20b/%ED%8C%80%20A", "Connected as client 'a b'", ") in group '팀 A'"),
        ("/ws/%C2%B2", "Connected as client '²'", ")"),
        ("/ws/" + "1" * 19, f"Connected as client '{'1' * 19}'", ")"),
        ("/ws/" + "%EA%B0%80" * 64, f"Connected as client '{'가' * 64}'", ")"),
    ],
)
async def test_a_text_is_greeted_with_the_number_drawn_for_it(
    talk, kim, path, start, end
):
    _talker, line = await greeted(talk, path, kim)

    assert line.startswith(start)
    assert line.endswith(end)


async def test_the_entry_of_zero_is_complete(talk, kim):
    talker = await talk("/ws/0", kim)

    entry = (await talker.frame("client_list"))["clients"][0]
    assert entry["original_client_id"] == entry["client_id"] == 0
    assert entry["id_mapping"] == {"numeric_id": 0}
    assert entry["user"] == {
        "user_id": str(kim.pk),
        "username": "Kim",
        "email": "kim@example.com",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/ws/" + "a" * 65,
        "/ws/a/" + "g" * 65,
        "/ws/a%00",
        "/ws/a%0Ab/red",
        "/ws/a/r%7Fd",
        "/ws/a%2Fb",
        "/ws/%FF",
        "/ws/auth/red",
        "/ws/a/red?resume=yesterday",
    ],
)
async def test_an_impossible_id_or_group_is_refused(talk, kim, path):
    assert await refused(talk, path, kim) == 400


async def test_an_unknown_path_is_refused(talk, kim):
    assert await refused(talk, "/ws/a/b/c", kim) == 404


async def test_an_id_belongs_to_its_user_while_connected(talk, kim, lee, house):
    first, line = await greeted(talk, "/ws/alpha", kim)
    number = line.partition("numeric ID: ")[2][:-1]

    assert await refused(talk, "/ws/alpha", lee) == 409
    assert await refused(talk, f"/ws/{number}", lee) == 409
    page = await talk("/ws/alpha", lee, origin=house.url)
    with pytest.raises(ConnectionClosed) as closed:
        await page.hear()
    assert closed.value.rcvd.code == 4409

    second, line = await greeted(talk, "/ws/alpha", kim)
    assert line.partition("numeric ID: ")[2][:-1] == number  # they share it
    await first.close()
    assert await refused(talk, "/ws/alpha", lee) == 409
    await second.close()
    await in_thread(nobody_left)
    await greeted(talk, "/ws/alpha", lee)


def nobody_left():
    while directory.entries():
        pass


async def test_a_socket_closes_when_its_user_is_blocked(talk, kim):
    talker, _line = await greeted(talk, "/ws/alpha", kim)

    await in_thread(people.block, kim)

    with pytest.raises(ConnectionClosed) as closed:
        await talker.all()
    assert closed.value.rcvd.code == 4401


# Frames that are wrong


@pytest.mark.parametrize(
    "frame",
    [
        "/",
        "/whisper x",
        "/send_to",
        "/send_to beta",
        "/send_to beta ",
        "/send_to  beta x",
        "/group",
        "/group ",
        "/join",
        "/join ",
        "/join " + "g" * 65,
        "/join a/b",
        "/join a\0b",
        "/leave",
        "/group_members",
        "/groups all",
        "/my_groups red",
        "/JOIN red",
        b"\x00\x01",
        b"hello",
    ],
)
async def test_a_wrong_frame_goes_to_nobody(talk, kim, frame):
    alpha, _line = await greeted(talk, "/ws/alpha", kim)
    beta, _line = await greeted(talk, "/ws/beta", kim)

    await alpha.say(frame)
    assert (await alpha.line()).startswith("Invalid")
    await alpha.say("the socket lives")

    assert await alpha.line() == "Client 'alpha' says: the socket lives"
    assert await beta.line() == "Client 'alpha': the socket lives"


async def test_a_text_that_is_too_long_is_refused_and_the_socket_stays(
    talk, kim, settings
):
    settings.WORKSPACE_WS_MAX_BYTES = 30
    talker, _line = await greeted(talk, "/ws/alpha", kim)

    await talker.say("가" * 11)
    assert (await talker.line()).startswith("Invalid")
    await talker.say("가" * 10)
    assert await talker.line() == "Client 'alpha' says: " + "가" * 10


async def test_more_than_16_mebibytes_close_the_socket(talk, kim):
    talker, _line = await greeted(talk, "/ws/alpha", kim)

    with contextlib.suppress(ConnectionClosed):  # it may close while we still send
        await talker.say("x" * ((1 << 24) + 1))
    with pytest.raises(ConnectionClosed) as closed:
        await talker.line()
    assert closed.value.rcvd.code == 1009


async def test_an_empty_frame_is_ordinary(talk, kim):
    talker, _line = await greeted(talk, "/ws/alpha", kim)

    await talker.say("")

    assert await talker.lines(2) == ["Client 'alpha' says: ", "Client 'alpha': "]


async def test_commands_are_text_on_the_basic_address(talk, kim):
    talker = await talk("/ws", kim)

    await talker.say("/join red")

    assert await talker.line() == "Message text was: /join red"


async def test_spaces_in_groups_and_texts_stay(talk, kim):
    talker, _line = await greeted(talk, "/ws/alpha", kim)

    await talker.say("/join team A")
    await talker.say("/group  two  spaces ")
    await talker.say("/send_to alpha  also")

    heard = await talker.lines(5)
    assert heard[:2] == [
        "Joined group: team A",
        "Group message from client 'alpha':  two  spaces ",
    ]
    assert "Message sent to groups: ['team A']" in heard
    assert "Private message from client 'alpha':  also" in heard


# Rates


async def test_a_burst_of_200_passes(talk, kim):
    talker = await talk("/ws", kim)

    for number in range(200):
        await talker.say(str(number))

    assert await talker.lines(200) == [f"Message text was: {n}" for n in range(200)]


async def test_beyond_its_rate_a_socket_is_told_once_and_its_frames_are_dropped(
    talk, kim
):
    talker = await talk("/ws", kim)

    for number in range(1_000):
        await talker.say(str(number))
    heard = [line for line in await talker.all() if isinstance(line, str)]

    complaints = [line for line in heard if line.startswith("Invalid")]
    assert 1 <= len(complaints) <= 3
    assert 200 <= len(heard) - len(complaints) < 400


def test_twenty_a_second_pass_for_ever(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(rate.time, "monotonic", lambda: now)
    bucket = rate.Bucket()
    assert all(bucket.take() for _ in range(200))

    for _frame in range(2_000):
        now += 0.05
        assert bucket.take()


# Delivery


async def test_a_hundred_large_frames_arrive_whole_and_in_order(talk, kim):
    sender, _line = await greeted(talk, "/ws/sender/red", kim)
    reader, _line = await greeted(talk, "/ws/reader/red", kim)
    texts = [f"{number} " + "x" * 200_000 for number in range(100)]

    for text in texts:
        await sender.say(text)

    assert await reader.lines(100) == [f"Client 'sender': {text}" for text in texts]


async def test_who_moves_between_groups_loses_nothing_said_before(talk, kim):
    talker, _line = await greeted(talk, "/ws/alpha", kim)

    for number in range(20):
        await talker.say(f"/join group {number}")
        await talker.say(f"/group in {number}")

    heard = await talker.lines(60)
    assert [line for line in heard if line.startswith("Group message")] == [
        f"Group message from client 'alpha': in {number}" for number in range(20)
    ]


async def test_lists_for_everyone_are_coalesced_and_end_true(talk, kim):
    first, _line = await greeted(talk, "/ws/first", kim)

    others = await asyncio.gather(*(talk(f"/ws/{n}/red", kim) for n in range(40)))
    frames = await first.all()

    lists = [frame for frame in frames if frame["type"] == "client_list"]
    assert len(lists) < 20
    assert len(lists[-1]["clients"]) == 41
    assert frames[-1] == {
        "type": "group_info",
        "groups": [{"name": "red", "member_count": 40}],
    }
    for other in others:  # each has its own pair and greeting first
        assert [
            frame["type"] for frame in (await other.hear(), await other.hear())
        ] == [
            "client_list",
            "group_info",
        ]
        assert (await other.hear()).startswith("Connected as client #")


async def test_all_who_leave_at_once_are_named(talk, kim):
    stays, _line = await greeted(talk, "/ws/stays", kim)
    others = [await talk(f"/ws/{number}", kim) for number in range(10)]
    await stays.all()

    await asyncio.gather(*(other.close() for other in others))
    frames = await stays.all()

    lines = {frame for frame in frames if isinstance(frame, str)}
    assert lines == {f"Client '{number}' has disconnected" for number in range(10)}
    lists = [frame for frame in frames if isinstance(frame, dict)]
    assert [one["original_client_id"] for one in lists[-2]["clients"]] == ["stays"]
