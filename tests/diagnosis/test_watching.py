"""The status stream, over a real server: pushed, resumed, ended, and light."""

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from config import asgi, realtime
from diagnosis import sessions, watching
from diagnosis.models import State
from diagnosis.times import in_seoul
from tests import serving
from tests.conftest import token
from tests.diagnosis.test_sessions import run_out


@pytest.fixture
def server(transactional_db):
    with serving.in_thread(asgi.application) as served:
        yield served


@pytest.fixture
def watch(server, doctor):
    """Return the stream of a session as the doctor's client opens it."""

    def open_stream(session, user=doctor.user, prefix="", **headers):
        path = f"/diagnosis{prefix}/diagnosis/{session.pk}/status"
        if user is not None:
            headers["Authorization"] = f"Bearer {token(user)}"
        return httpx.stream("GET", server.url + path, headers=headers, timeout=10)

    return open_stream


def frames_of(response):
    """Yield (id, data) of each event."""
    number = None
    for line in response.iter_lines():
        if line.startswith("id: "):
            number = int(line.removeprefix("id: "))
        elif line.startswith("data: "):
            yield number, json.loads(line.removeprefix("data: "))


def states_of(response):
    return [data["state"] for _number, data in frames_of(response)]


# What is sent


def test_a_stream_as_the_protocol_has_it(watch, session):
    sessions.cancel(session.pk, by=None)

    with watch(session) as response:
        lines = list(response.iter_lines())

    session.refresh_from_db()
    last = session.transitions.last()
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    timestamp = in_seoul(session.updated_at)
    assert lines == [
        ": connected",
        "",
        f"id: {last.pk}",
        f'data: {{"id": {session.pk}, "state": "CANCELLED",'
        f' "timestamp": "{timestamp}"}}',
        "",
    ]


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_changes_are_pushed_and_the_end_ends(watch, session, prefix):
    with watch(session, prefix=prefix) as response:
        frames = frames_of(response)
        assert next(frames)[1]["state"] == "READY"

        for act, state in (
            (lambda: sessions.begin(session.pk, session.patient_id), "STARTED"),
            (lambda: sessions.receive(session.pk), None),
            (lambda: sessions.finish(session.pk), "COMPLETED"),
        ):
            began = time.monotonic()
            act()
            if state:
                assert next(frames)[1]["state"] == state
                assert time.monotonic() - began < 0.2
        assert list(frames) == []


def test_a_watcher_that_comes_back_gets_what_it_missed(watch, session):
    with watch(session) as response:
        seen, _ready = next(frames_of(response))
    sessions.begin(session.pk, session.patient_id)
    sessions.cancel(session.pk, by=None)

    with watch(session, **{"Last-Event-ID": str(seen)}) as response:
        frames = list(frames_of(response))

    assert [data["state"] for _number, data in frames] == ["STARTED", "CANCELLED"]
    assert seen < frames[0][0] < frames[1][0]


@pytest.mark.parametrize("last", ["", "x", "-1", "9" * 30, "٣"])
def test_who_names_no_event_gets_the_present_state(watch, session, last):
    sessions.begin(session.pk, session.patient_id)
    sessions.cancel(session.pk, by=None)

    with watch(session, **{"Last-Event-ID": last.encode()}) as response:
        assert states_of(response) == ["CANCELLED"]


def test_who_saw_all_gets_the_present_state_again(watch, session):
    sessions.cancel(session.pk, by=None)
    last = session.transitions.last().pk

    with watch(session, **{"Last-Event-ID": str(last)}) as response:
        assert states_of(response) == ["CANCELLED"]


def test_a_session_whose_time_is_over_ends_at_once(watch, session):
    run_out(session)

    with watch(session) as response:
        assert states_of(response) == ["EXPIRED"]


def test_watching_does_not_reopen_what_ended(watch, session):
    sessions.receive(session.pk)
    sessions.finish(session.pk)
    run_out(session)

    with watch(session) as response:
        assert states_of(response) == ["COMPLETED"]


def test_heartbeats_are_comments_and_find_what_was_lost(watch, session, monkeypatch):
    monkeypatch.setattr(realtime, "HEARTBEAT_SECONDS", 0.3)
    with watch(session) as response:
        lines = response.iter_lines()
        while next(lines) != ": heartbeat":
            pass
        # A change that nobody is told of, as when Valkey was away.
        session.transitions.create(
            from_state=State.READY,
            to_state=State.EXPIRED,
            actor="clock",
            created_at=timezone.now(),
        )
        rest = list(lines)

    data = [line for line in rest if line.startswith("data: ")]
    assert [json.loads(line[6:])["state"] for line in data] == ["EXPIRED"]


@pytest.mark.usefixtures("_close_connections")
async def test_states_never_go_backwards(session):
    """An event that was on its way while the present state was read is stale."""
    group = sessions.session_group(session.pk)
    stale = await realtime.in_thread(sessions.latest_change, session.pk)
    await realtime.in_thread(sessions.begin, session.pk, session.patient_id)
    stream = watching.stream(session.pk, "")

    frames = [await anext(stream) for _ in range(2)]
    await realtime.publish_now(group, "session.changed", **stale)
    await realtime.in_thread(sessions.cancel, session.pk, by=None)
    frames += [frame async for frame in stream]

    shown = [json.loads(f.split(b"data: ")[1])["state"] for f in frames[1:]]
    assert shown == ["STARTED", "CANCELLED"]
    await realtime.hub().close()
    await get_channel_layer().flush()


# Who may


@pytest.mark.parametrize(
    ("who", "status"), [("nobody", 401), ("nurse", 403), ("colleague", 403)]
)
def test_it_is_for_the_owner(watch, session, request, who, status):
    user = None if who == "nobody" else request.getfixturevalue(who).user

    with watch(session, user) as response:
        body = json.loads(response.read())

    assert response.status_code == status
    assert isinstance(body["detail"], str)
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_superuser_may_watch(watch, session, boss):
    with watch(session, boss) as response:
        assert next(frames_of(response))[1]["state"] == "READY"


def test_a_page_watches_with_its_session(server, session, doctor):
    client = Client()
    client.force_login(doctor.user)
    name = settings.SESSION_COOKIE_NAME
    cookies = {name: client.cookies[name].value}
    url = f"{server.url}/diagnosis/diagnosis/{session.pk}/status"

    with httpx.stream("GET", url, cookies=cookies) as response:
        assert next(frames_of(response))[1]["state"] == "READY"


@pytest.mark.parametrize(
    ("id", "status"),
    [("0", 404), ("-1", 404), ("9" * 30, 404), ("x", 422), ("+x", 422)],
)
def test_ids_that_no_session_has(server, doctor, id, status):
    headers = {"Authorization": f"Bearer {token(doctor.user)}"}

    response = httpx.get(
        f"{server.url}/diagnosis/diagnosis/{id}/status", headers=headers
    )

    assert response.status_code == status
    assert "detail" in response.json()


def test_other_verbs_are_refused(server, doctor, session):
    headers = {"Authorization": f"Bearer {token(doctor.user)}"}
    url = f"{server.url}/diagnosis/diagnosis/{session.pk}/status"

    response = httpx.post(url, headers=headers)

    assert (response.status_code, response.headers["allow"]) == (405, "GET")


# What it costs


def connections_in_use():
    """Return how many connections besides ours the database has open."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def settled(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_thirty_watchers_hold_no_connection_and_are_told_in_time(
    server, session, doctor
):
    client = Client()
    client.force_login(doctor.user)
    name = settings.SESSION_COOKIE_NAME
    by_page = {"Cookie": f"{name}={client.cookies[name].value}"}
    by_token = {"Authorization": f"Bearer {token(doctor.user)}"}
    path = f"/diagnosis/diagnosis/{session.pk}/status"
    ready, told = threading.Barrier(31, timeout=20), []

    async def watcher(http, headers):
        async with http.stream("GET", path, headers=headers) as response:
            async for line in response.aiter_lines():
                if "READY" in line:
                    await asyncio.to_thread(ready.wait)
                elif "STARTED" in line:
                    told.append(time.monotonic())
                    return

    async def all_of_them():
        async with httpx.AsyncClient(
            base_url=server.url, timeout=20, limits=httpx.Limits(max_connections=40)
        ) as http:
            loop = asyncio.get_running_loop()
            loop.set_default_executor(pool)
            await asyncio.gather(
                *(watcher(http, [by_page, by_token][n % 2]) for n in range(30))
            )

    with ThreadPoolExecutor(32) as pool:
        watchers = threading.Thread(target=lambda: asyncio.run(all_of_them()))
        watchers.start()
        ready.wait()
        assert settled(lambda: connections_in_use() == 0), connections_in_use()
        began = time.monotonic()
        sessions.begin(session.pk, session.patient_id)
        watchers.join(10)

    assert len(told) == 30
    assert max(told) - began < 1


def test_a_watcher_that_leaves_is_forgotten(watch, session):
    def subscribers():
        return len(realtime._hubs[loop].listeners.get(group, ()))

    group = sessions.session_group(session.pk)
    with watch(session) as response:
        frames = frames_of(response)  # held, for what is dropped is closed
        next(frames)
        loop = realtime._server_loop
        assert subscribers() == 1

    assert settled(lambda: subscribers() == 0, 2)
