"""PostgreSQL is stopped and started under real servers, and what clients see of it."""

import json
import re
import signal
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from roadblock import client_packets, packets
from tests import cluster
from tests.clients import BOOKING, Load, get, header, is_away, state, stored, wait_until
from tests.cluster import EMAIL, PASSWORD
from tests.roadblock.talk import KEY, nack

ANSWER_SECONDS = 3
RETURN_SECONDS = 10

# Servers of its own are started, which takes long on a busy machine.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def servers(postgres, environ, valkey):
    data = postgres.where.data
    with (
        cluster.served(environ, data / "one.log") as one,
        cluster.served(environ, data / "two.log") as two,
    ):
        yield one, two


@pytest.fixture
def outage(postgres, servers, valkey):
    """Return a function that stops PostgreSQL; afterwards it runs, and is known to."""
    yield postgres.stop
    if postgres.process.poll() is not None:
        postgres.start()
    for server in servers:
        wait_until(lambda server=server: state(server) == {"status": "healthy"})
    valkey.delete("madang:mailed:outage")


@pytest.fixture(scope="module")
def signed_in(servers):
    """Return the header of somebody whom the servers have seen."""
    return header(servers[0], EMAIL, PASSWORD)


def socket(server, path, headers=None):
    return connect(server.ws + path, additional_headers=headers or {}, proxy=None)


@pytest.mark.parametrize(("who", "month"), [("signed in", 3), ("guest", 5)])
def test_writes_under_load_are_stored_or_refused(
    postgres, servers, signed_in, outage, who, month
):
    one = servers[0]
    with Load(servers, signed_in if who == "signed in" else {}, month=month) as load:
        wait_until(lambda: len(load.acknowledged()) > 20)
        outage()
        wait_until(lambda: is_away(one))
        refused = len(load.answers)
        wait_until(lambda: len(load.answers) > refused + 50)
        postgres.start()
        back = time.monotonic()
        accepted = len(load.acknowledged())
        wait_until(lambda: state(one) == {"status": "healthy"}, RETURN_SECONDS)
        wait_until(lambda: len(load.acknowledged()) > accepted + 20, RETURN_SECONDS)
        assert time.monotonic() - back < RETURN_SECONDS

    kinds = {answer.status_code for *_, answer in load.answers}
    assert kinds == {201, 503}
    assert max(seconds for _, seconds, _ in load.answers) < ANSWER_SECONDS
    for *_, answer in load.answers:
        if answer.status_code == 503:
            assert answer.headers["Retry-After"] == "5"
            assert answer.json().keys() == {"detail", "code"}
            assert answer.json()["code"] == "database_unavailable"
    lost = {row["id"] for row in load.acknowledged()} - stored(postgres)
    assert not lost


def test_what_can_be_answered_without_it_is(servers, signed_in, outage):
    one, two = servers
    fresh = get(one, "/workspace/users/me", signed_in)
    everybody = get(one, "/workspace/users/?limit=10", signed_in)
    person = f"/workspace/users/{fresh.json()['uid']}"
    get(one, person, signed_in)
    outage()

    wait_until(lambda: is_away(two))
    mine = get(two, "/workspace/users/me", signed_in)
    health = get(two, "/workspace/health", signed_in)

    assert "Warning" not in fresh.headers
    assert mine.status_code == 200
    assert mine.json() == fresh.json()
    assert mine.headers["Warning"].startswith("110 ")
    assert health.json() == {"status": "degraded", "database": False, "cache": True}
    assert state(two) == {"status": "degraded", "database": False, "cache": True}
    copy = get(two, "/workspace/users/?limit=10", signed_in)
    assert copy.status_code == 200
    assert copy.content == everybody.content
    assert copy.headers["Content-Type"] == everybody.headers["Content-Type"]
    assert copy.headers["Warning"].startswith("110 ")
    assert get(two, person, signed_in).json() == fresh.json()
    unseen = get(two, "/workspace/users/?limit=11", signed_in)
    assert unseen.status_code == 503
    assert unseen.json()["code"] == "database_unavailable"


def test_every_app_refuses_calmly(servers, signed_in, outage):
    one = servers[0]
    outage()
    wait_until(lambda: is_away(one))

    for path in (
        "/roadblock/api/vehicles",
        "/charging/api/sessions",
        "/diagnosis/diagnosis/1/status",
    ):
        answer = get(one, path, signed_in)
        assert (path, answer.status_code) == (path, 503)
        assert answer.json()["code"] == "database_unavailable"
    stranger = httpx.post(
        f"{one.url}/workspace/auth/login", json={"email": "a@b.kr", "password": "x"}
    )
    assert stranger.status_code == 503


def test_pages_say_it_to_people(servers, signed_in, outage):
    one = servers[0]
    outage()
    wait_until(lambda: is_away(one))

    page = get(one, "/admin/", signed_in | {"Accept": "text/html"})
    sent = httpx.post(
        f"{one.url}/sign-in/", data={"username": EMAIL}, headers={"Accept": "text/html"}
    )

    assert page.status_code in (200, 302)  # the way to the sign-in takes no database
    assert sent.status_code == 403  # nor does a form without its token
    listed = get(one, "/charging/api/sessions", {"Accept": "text/html"})
    assert listed.status_code == 503
    assert "A part of the system is away" in listed.text
    assert 'http-equiv="refresh"' in listed.text


def test_open_sockets_stay_and_new_ones_need_a_known_user(
    postgres, servers, signed_in, outage, valkey
):
    one, two = servers
    with socket(one, "/charging/ws/board?date=2031-04-01", signed_in) as board:
        assert json.loads(board.recv(timeout=10))["type"] == "day"
        outage()
        wait_until(lambda: is_away(one))
        wait_until(lambda: is_away(two))

        with socket(two, "/roadblock/ws/front/events", signed_in):
            pass  # known: its user is in the cache
        valkey.flushdb()  # half an hour later
        with pytest.raises(InvalidStatus) as refused:
            socket(two, "/roadblock/ws/vehicles", signed_in)
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"

        postgres.start()
        wait_until(lambda: not is_away(one))
        wish = {
            "sessionId": 1,
            "plate": "99가9999",
            "date": "2031-04-01",
            "startTime": "10:00",
            "endTime": "10:30",
        }
        booked = httpx.post(one.url + BOOKING, json=wish, headers=signed_in, timeout=60)
        assert booked.status_code == 201
        assert json.loads(board.recv(timeout=10))["type"] == "taken"


def test_a_board_that_cannot_be_shown_asks_to_come_again(servers, signed_in, outage):
    outage()
    wait_until(lambda: is_away(servers[0]))

    with (
        socket(servers[0], "/charging/ws/board", signed_in) as board,
        pytest.raises(ConnectionClosed) as closed,
    ):
        board.recv(timeout=10)

    assert closed.value.rcvd.code == 1013


def test_positions_wait_for_the_database(postgres, servers, outage):
    one = servers[0]
    with socket(one, "/roadblock/ws/vehicles") as car:
        car.send(client_packets.registration(KEY, 7, 0, "P7"))
        car.recv(timeout=10)
        outage()
        wait_until(lambda: is_away(one))
        for step in range(50):
            car.send(client_packets.position(KEY, 7, step, 0))
        car.send(client_packets.registration(KEY, 8, 0, "P8"))
        refusal = client_packets.decode(car.recv(timeout=10), KEY)
        assert refusal == nack(packets.Nack.DATABASE)
        postgres.start()
        wait_until(
            lambda: (
                not is_away(one)
                and postgres.query("SELECT count(*) FROM roadblock_position") == [(50,)]
            )
        )


def test_a_crash_between_two_requests_is_not_noticed(postgres, servers, signed_in):
    one = servers[0]
    assert get(one, "/charging/api/sessions", signed_in).status_code == 200

    postgres.stop(signal.SIGQUIT)
    postgres.start()

    assert get(one, "/charging/api/sessions", signed_in).status_code == 200


def test_one_alert_down_and_one_up_over_all_processes(
    postgres, servers, outage, valkey
):
    def told(what):
        return sum(len(re.findall(what, server.log())) for server in servers)

    def mails():
        return sorted((postgres.where.data / "mail").glob("*.log"))

    valkey.delete("madang:mailed:outage")
    downs, ups, sent = told(DOWN), told(UP), len(mails())

    for turn in (1, 2):
        outage()
        for server in servers:
            wait_until(lambda server=server: is_away(server))
        postgres.start()
        for server in servers:
            wait_until(lambda server=server: not is_away(server))
        wait_until(lambda turn=turn: told(UP) == ups + turn)
        assert told(DOWN) == downs + turn

    wait_until(lambda: len(mails()) == sent + 2)  # of the first outage alone
    subjects = [
        re.search("Subject: (.*)", mail.read_text())[1] for mail in mails()[sent:]
    ]
    assert subjects == [
        "[Madang] The database is away",
        "[Madang] The database is back",
    ]
    for server in servers:
        assert "Traceback" not in server.log()


DOWN = r"ERROR config.alerts: PostgreSQL does not answer: .*\n"
UP = r"ERROR config.alerts: PostgreSQL answers again"
