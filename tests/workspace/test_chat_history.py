"""Kept messages: read over HTTP, sent again to who missed them, stored, swept."""

import time
from contextlib import contextmanager

import pytest
from django.db import connection

from config.realtime import in_thread
from config.valkey import valkey
from workspace import tasks
from workspace.chat import directory, history
from workspace.models import ChatGroup, ChatMessage


@pytest.fixture
def messages(call, kim):
    """Return a group's history over HTTP."""

    async def get(group, **query):
        path = f"/api/ws/groups/{group}/messages"
        answer = await in_thread(call, "GET", path, kim, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


@pytest.fixture
async def speaker(talk, kim):
    """Return a Talker in the group red who has said 0 to 9."""
    talker = await talk("/ws/speaker/red", kim)
    for number in range(10):
        await talker.say(str(number))
    await talker.until("Client 'speaker': 9")
    return talker


def texts(page):
    return [message["text"] for message in page["messages"]]


@pytest.mark.parametrize("stored", [False, True])
async def test_history_in_pages(speaker, messages, kim, stored):
    if stored:
        assert await in_thread(tasks.store_chat_messages) == 10

    first = await messages("red", after=0, limit=4)
    assert texts(first) == ["0", "1", "2", "3"]
    assert first["more"] is True
    message = first["messages"][3]
    assert message == {
        "id": message["id"],
        "kind": "said",
        "group": "red",
        "to": None,
        "sender": "speaker",
        "user_id": str(kim.pk),
        "text": "3",
        "sent_at": message["sent_at"],
    }
    second = await messages("red", after=message["id"])
    assert texts(second) == ["4", "5", "6", "7", "8", "9"]
    assert second["more"] is False

    latest = await messages("red", before=10**18, limit=3)
    assert texts(latest) == ["7", "8", "9"]
    assert latest["more"] is True
    earlier = await messages("red", before=latest["messages"][0]["id"])
    assert texts(earlier) == ["0", "1", "2", "3", "4", "5", "6"]


async def test_history_of_what_is_partly_stored(speaker, messages):
    await in_thread(history.store)
    await speaker.say("10")
    await speaker.until("Client 'speaker': 10")

    assert texts(await messages("red")) == [str(number) for number in range(11)]
    latest = await messages("red", before=10**18, limit=2)
    assert texts(latest) == ["9", "10"]


async def test_only_what_groups_are_told_is_kept(speaker, messages):
    await speaker.say("/group to all of red")
    await in_thread(directory.broadcast, "red", "from above")
    await in_thread(directory.send_to, "speaker", "privately")
    await speaker.say("/send_to speaker privately")
    await speaker.say("/leave red")
    await speaker.say("to everybody")
    await speaker.until("Client 'speaker': to everybody")

    page = await messages("red", before=10**18, limit=2)

    shown = {(one["kind"], one["text"], one["sender"]) for one in page["messages"]}
    assert shown == {
        ("group", "to all of red", "speaker"),
        ("announced", "from above", None),
    }
    assert await in_thread(history.store) == 12


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=x", "before=1.5"])
async def test_wrong_pages_are_refused(call, kim, query):
    path = f"/api/ws/groups/red/messages?{query}"
    answer = await in_thread(call, "GET", path, kim)

    assert answer.status_code == 422


@pytest.mark.parametrize("stored", [False, True])
async def test_who_comes_back_gets_what_was_missed_once_and_in_order(
    talk, speaker, messages, kim, stored
):
    if stored:
        await in_thread(history.store)
    last = (await messages("red"))["messages"][4]["id"]

    back = await talk(f"/ws/back/red?resume={last}", kim)
    await speaker.say("10")

    greeting, *missed = await back.until("Client 'speaker': 10")
    assert greeting.startswith("Connected as client 'back'")
    assert missed == [f"Client 'speaker': {number}" for number in range(5, 11)]
    assert [line for line in await back.all() if isinstance(line, str)] == []


async def test_nobody_else_gets_what_was_missed(talk, speaker, messages, kim):
    last = (await messages("red"))["messages"][4]["id"]

    alone = await talk(f"/ws/alone?resume={last}", kim)
    elsewhere = await talk(f"/ws/elsewhere/blue?resume={last}", kim)
    fresh = await talk("/ws/fresh/red", kim)

    for talker in (alone, elsewhere, fresh):
        lines = [line for line in await talker.all() if isinstance(line, str)]
        assert len(lines) == 1  # the greeting


async def test_nothing_is_lost_or_doubled_while_others_speak(talk, speaker, kim):
    """The switch from what was missed to what is said now, many times over."""
    for turn in range(5):
        for number in range(20):
            await speaker.say(f"{turn}.{number}")
            if number == 10:
                back = await talk("/ws/back/red?resume=0", kim)
        _greeting, *heard = await back.until(f"Client 'speaker': {turn}.19")
        await back.close()

        said = [f"Client 'speaker': {number}" for number in range(10)]
        for past in range(turn + 1):
            said += [f"Client 'speaker': {past}.{number}" for number in range(20)]
        assert heard == said


async def test_clients_may_ask_for_messages_with_their_id(talk, speaker, messages, kim):
    reader = await talk("/ws/reader/red?frames=json&resume=0", kim)
    await speaker.say("/group 10")
    await speaker.say("/send_to reader 11")

    heard = [await reader.frame("message") for _ in range(12)]
    page = await messages("red")

    kept = [{"type": "message", **message} for message in page["messages"]]
    assert heard[:11] == kept
    private = heard[11]
    assert (private["kind"], private["text"], private["to"], private["id"]) == (
        *("private", "11", "reader"),
        None,
    )


async def test_those_clients_learn_that_other_groups_speak(talk, speaker, kim):
    reader = await talk("/ws/reader?frames=json", kim)
    await speaker.say("10")

    activity = await reader.frame("activity")

    assert [group["name"] for group in activity["groups"]] == ["red"]


# Without the database


@contextmanager
def no_messages_table():
    """Let PostgreSQL refuse every query of messages, and then no more."""
    rename = "ALTER TABLE workspace_{} RENAME TO workspace_{}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format("chatmessage", "away"))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename.format("away", "chatmessage"))


async def test_chat_goes_on_and_keeps_messages_while_the_database_is_away(
    talk, speaker, messages, kim
):
    away = no_messages_table()
    await in_thread(away.__enter__)
    assert await in_thread(tasks.store_chat_messages) == 0
    back = await talk("/ws/back/red?resume=0", kim)
    await speaker.say("10")
    _greeting, *heard = await back.until("Client 'speaker': 10")
    await in_thread(away.__exit__, None, None, None)
    assert len(heard) == 11

    assert await in_thread(tasks.store_chat_messages) == 11
    assert await in_thread(tasks.store_chat_messages) == 0
    assert texts(await messages("red")) == [str(number) for number in range(11)]


async def test_a_full_buffer_keeps_no_more_and_chat_goes_on(speaker, messages):
    await in_thread(valkey().set, "madang:chat:kept-bytes", 64 << 20)

    await speaker.say("10")
    await speaker.until("Client 'speaker': 10")

    assert len((await messages("red"))["messages"]) == 10
    await in_thread(history.store)
    await speaker.say("11")
    await speaker.until("Client 'speaker': 11")
    assert texts(await messages("red"))[-2:] == ["9", "11"]


# Storing and sweeping


async def test_storing_twice_keeps_one_of_each(speaker, messages):
    batch = await in_thread(history.stream, 0)
    await in_thread(history.insert, [message for _id, _size, message in batch])

    assert await in_thread(history.store) == 10
    assert await in_thread(ChatMessage.objects.count) == 10
    assert await in_thread(valkey().exists, "madang:chat:kept-bytes") == 0


async def test_a_message_outlives_its_author_and_odd_signs(talk, kim, boss, messages):
    talker = await talk("/ws/kim/red", kim)
    await talker.say("nul\0")
    await talker.until("Client 'kim': nul\0")
    await talker.close()
    await in_thread(kim.delete)

    await in_thread(history.store)

    message = await in_thread(ChatMessage.objects.get)
    assert (message.text, message.user_id) == ("nul\ufffd", None)


def test_old_messages_are_swept(transactional_db, settings):
    now = int(time.time() * 1e6)
    day = 24 * 3600 * 1_000_000
    for age in (0, 29, 31, 60):
        ChatMessage.objects.create(id=now - age * day, group=str(age), kind="said")
        ChatGroup.objects.create(name=str(age), last_id=now - age * day)

    assert tasks.sweep_chat_messages() == 2
    assert {message.group for message in ChatMessage.objects.all()} == {"0", "29"}
    assert {group.name for group in ChatGroup.objects.all()} == {"0", "29"}


async def test_nothing_is_kept_when_told_so(talk, kim, messages, settings):
    settings.WORKSPACE_CHAT_KEEP_DAYS = 0
    talker = await talk("/ws/kim/red", kim)
    await talker.say("forget it")
    await talker.until("Client 'kim': forget it")

    assert (await messages("red"))["messages"] == []


# Read marks


async def test_unread_marks(speaker, messages, call, kim):
    def groups():
        return call("GET", "/api/chat/groups", kim).json()

    def read(last_id, group="red"):
        path = f"/api/chat/groups/{group}/read"
        return call("PUT", path, kim, json={"last_id": last_id})

    await in_thread(history.store)
    ids = [message["id"] for message in (await messages("red"))["messages"]]
    assert await in_thread(groups) == [
        {"name": "red", "last_id": ids[-1], "unread": 0}  # never looked into
    ]

    assert (await in_thread(read, ids[3])).status_code == 200
    assert (await in_thread(groups))[0]["unread"] == 6
    await in_thread(read, ids[1])  # what was read stays read
    assert (await in_thread(groups))[0]["unread"] == 6
    await in_thread(read, ids[-1])
    assert (await in_thread(groups))[0]["unread"] == 0

    assert (await in_thread(read, "x")).status_code == 422
    assert (await in_thread(read, 1, "g" * 65)).status_code == 404
    assert (await in_thread(call, "GET", "/api/chat/groups", None)).status_code == 401
