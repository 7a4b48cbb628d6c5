"""The live board's socket, and the lane in which days are read."""

import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings as project
from django.db import connection
from django.utils import timezone

from charging import board, cancelling, hours
from charging.models import ChargingSession, Reservation, ReservationSlot
from config import asgi
from config.realtime import in_thread
from tests import serving
from tests.charging.bookings import DAY as MARCH_10
from tests.charging.bookings import body, booked
from tests.charging.test_booking import overlaps, slots_fit
from tests.conftest import token

pytestmark = pytest.mark.django_db(transaction=True)

SOCKET = "charging/ws/board?date=2031-03-10"
DAY = "/charging/api/reservations/by-session?date=2031-03-10"


async def opened(socket, path, user=None):
    """Return a connected board and the day it begins with."""
    communicator = socket(path, user)
    connected, _ = await communicator.connect()
    assert connected
    return communicator, await communicator.receive_json_from()


async def cancel(reservation):
    await in_thread(cancelling.cancel, Reservation.objects.all(), reservation.pk)


async def test_a_board_shows_the_day_then_every_change(socket, staff):
    first = await in_thread(booked, email="kim@example.com")

    desk, day = await opened(socket, SOCKET, staff)
    second = await in_thread(booked, bay=2, plate="99하9999", email="lee@example.com")
    taken = await desk.receive_json_from()
    await cancel(first)
    freed = await desk.receive_json_from()

    assert day["type"] == "day"
    assert day["date"] == "2031-03-10"
    assert [len(bay["reservations"]) for bay in day["sessions"]] == [1, 0, 0, 0]
    assert taken == {
        "type": "taken",
        "reservation": {
            "id": str(second.pk),
            "sessionId": 2,
            "plate": "99하9999",
            "date": "2031-03-10",
            "startTime": "10:00",
            "endTime": "11:00",
            "status": "CONFIRMED",
            "contactEmail": "lee@example.com",
        },
    }
    assert freed["type"] == "freed"
    assert freed["reservation"]["id"] == str(first.pk)
    assert freed["reservation"]["status"] == "CANCELLED"


async def test_each_sees_what_is_theirs(socket, driver, stranger, staff):
    boards = {
        name: (await opened(socket, SOCKET, user))[0]
        for name, user in {
            "guest": None,
            "stranger": stranger,
            "driver": driver,
            "staff": staff,
        }.items()
    }

    await in_thread(booked, email="kim@example.com", user=driver)

    seen = {}
    for name, one in boards.items():
        shown = (await one.receive_json_from())["reservation"]
        seen[name] = shown["plate"], shown["contactEmail"]
    masked, full = ("12***56", None), ("12가3456", "kim@example.com")
    assert seen == {
        "guest": masked,
        "stranger": masked,
        "driver": full,
        "staff": full,
    }


async def test_other_days_are_silent_and_new_bays_are_not(socket, staff):
    desk, _day = await opened(socket, SOCKET, staff)

    await in_thread(booked, day=MARCH_10 + timedelta(days=1))
    assert await desk.receive_nothing(0.2)
    await in_thread(ChargingSession.objects.create, id=5, name="Five")
    await in_thread(board.bays_changed)

    assert len((await desk.receive_json_from())["sessions"]) == 5


async def test_without_a_date_it_is_today(socket):
    _board, day = await opened(socket, "charging/ws/board")

    assert day["date"] == str(hours.today(timezone.now()))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("charging/ws/board?date=x", 4400),
        ("charging/ws/board?date=", 4400),
        (SOCKET, 1013),
        (f"{SOCKET}&token=stale", 4401),
    ],
)
async def test_a_refusal_can_be_read(socket, settings, path, code):
    settings.CHARGING_GUEST_READ_RATE = (1, 60)
    await opened(socket, SOCKET)

    communicator = socket(path)
    await communicator.connect()

    assert (await communicator.receive_output())["code"] == code


@pytest.mark.parametrize("credential", [b"Bearer stale", b"Basic YTpi"])
async def test_a_credential_that_does_not_hold_is_refused(socket, credential):
    communicator = socket(SOCKET, headers=[(b"authorization", credential)])
    await communicator.connect()

    assert (await communicator.receive_output())["code"] == 4401


# The lane


@pytest.fixture
def http():
    with (
        serving.in_thread(asgi.application) as served,
        httpx.Client(base_url=served.url, timeout=20) as client,
    ):
        yield client


def ids(http, **options):
    sessions = http.get(DAY, **options).json()["sessions"]
    return [r["id"] for bay in sessions for r in bay["reservations"]]


def test_a_day_in_the_lane_is_never_stale(http):
    assert ids(http) == []
    for n in range(5):
        mine = http.post(
            "/charging/api/reservations",
            json=body(
                plate=f"{n:02}가1111", startTime=f"{10 + n}:00", endTime=f"{11 + n}:00"
            ),
        ).json()["id"]
        assert mine in ids(http)
        # Another process' booking counts as much.
        other = booked(bay=2, plate=f"{n:02}나2222", start=10 + n)
        assert str(other.pk) in ids(http)
        cancelling.cancel(Reservation.objects.all(), other.pk)
        assert str(other.pk) not in ids(http)


def test_what_is_kept_is_given_until_the_version_changes(http):
    booked()
    before = ids(http)
    ReservationSlot.objects.all().delete()
    Reservation.objects.all().delete()  # behind the back of all versions

    kept = ids(http)
    board.renew_versions(["2031-03-10"])

    assert kept == before
    assert ids(http) == []


def test_a_new_name_of_a_bay_is_seen_at_once(http):
    first = http.get(DAY).json()["sessions"][0]["name"]
    ChargingSession.objects.filter(pk=1).update(name="Eins")
    board.bays_changed()

    assert (first, http.get(DAY).json()["sessions"][0]["name"]) == ("세션 1", "Eins")


def test_the_lane_knows_etags_and_keeps_django_s_headers(http):
    first, second = http.get(DAY), http.get(DAY)

    same = http.get(DAY, headers={"If-None-Match": first.headers["etag"]})

    assert dict(first.headers) == dict(second.headers)
    assert second.headers["x-content-type-options"] == "nosniff"
    assert (same.status_code, same.content) == (304, b"")


def test_the_lane_is_for_guests(http, staff, api):
    booked(email="kim@example.com")
    bearer = {"Authorization": f"Bearer {token(staff)}"}

    def plate(**headers):
        answer = http.get(DAY, headers=headers)
        if answer.status_code != 200:
            return answer.status_code
        return answer.json()["sessions"][0]["reservations"][0]["plate"]

    http.get(DAY)
    assert plate() == "12***56"
    assert plate(**bearer) == "12가3456"
    assert plate(Authorization="Bearer stale") == 401
    assert plate(Host="evil.example") == 400
    login = {"email": "staff@example.com", "password": "correct horse battery"}
    http.post("/charging/api/user/login", json=login)
    assert plate() == "12가3456"


def test_a_cookie_of_one_reader_is_not_given_to_others(http):
    first = http.get(DAY, headers={"Cookie": "csrftoken=bad"})
    http.cookies.clear()

    assert "csrftoken" in first.headers.get("Set-Cookie", "")
    assert "Set-Cookie" not in http.get(DAY).headers


@pytest.mark.parametrize("path", [DAY, DAY.replace("?", "/?")])
def test_a_reader_who_leaves_is_no_error(http, path, caplog):
    address = http.base_url.host, http.base_url.port
    with socket.create_connection(address) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: {address[0]}\r\nContent-Length: 5\r\n\r\n"
        line.sendall(head.encode())

    assert ids(http) == []
    assert "Exception" not in caplog.text


def test_readings_in_the_lane_are_counted(http, settings):
    settings.CHARGING_GUEST_READ_RATE = (3, 60)

    answers = [http.get(DAY) for _ in range(5)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_without_valkey_days_are_read_all_the_same(settings):
    settings.REDIS_URL = "unix:///nobody-listens-here"  # the lane's next connection
    with (
        serving.in_thread(asgi.application) as served,
        httpx.Client(base_url=served.url, timeout=20) as http,
    ):
        before = ids(http)
        booked()

        assert before == []
        assert len(ids(http)) == 1


def test_a_killed_server_loses_no_acknowledged_booking():
    database = connection.settings_dict
    environ = {
        **os.environ,
        "DATABASE_URL": f"postgres://{database['USER']}@/{database['NAME']}"
        f"?host={quote(str(database['HOST']), safe='')}",
        "REDIS_URL": project.REDIS_URL,
        "CHARGING_GUEST_CREATE_RATE": "10000/min",
    }
    acknowledged, begun = [], threading.Event()
    with serving.listening() as listener:
        port = listener.getsockname()[1]
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "config.asgi:application"),
                *("--fd", str(listener.fileno()), "--log-level", "warning"),
            ],
            cwd=serving.PROJECT,
            env=environ,
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:

            def guest(turn):
                with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
                    for n in range(turn, 200, 8):
                        wish = body(
                            sessionId=1 + n % 4,
                            plate=f"{n:03}가1111",
                            date=f"2031-03-{1 + n // 40:02}",
                            startTime=f"{9 + n // 4 % 10:02}:00",
                            endTime=f"{10 + n // 4 % 10:02}:00",
                        )
                        path = "/charging/api/reservations"
                        try:
                            answer = http.post(path, json=wish, timeout=30)
                        except httpx.HTTPError:
                            return
                        assert answer.status_code == 201, answer.text
                        acknowledged.append(answer.json()["id"])
                        if len(acknowledged) >= 60:
                            begun.set()

            with ThreadPoolExecutor(8) as pool:
                guests = [pool.submit(guest, turn) for turn in range(8)]
                assert begun.wait(60)
                os.kill(server.pid, signal.SIGKILL)
                listener.close()
                for one in guests:
                    one.result()
        finally:
            server.kill()
            server.wait(20)

    stored = {str(pk) for pk in Reservation.objects.live().values_list("pk", flat=True)}
    assert 60 <= len(acknowledged) < 200
    assert set(acknowledged) <= stored
    assert slots_fit()
    assert overlaps() == 0
