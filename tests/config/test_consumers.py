"""The base consumer under a real uvicorn: who may come in, frames, errors, ends."""

import contextlib
import logging
import socket
import threading
import time

import pytest
from django.conf import settings
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from config.realtime import publish, user_group
from tests import serving
from tests.config import socket_app
from tests.conftest import token


@pytest.fixture(scope="module")
def server():
    with serving.in_thread(socket_app.application) as served:
        yield served


@pytest.fixture
def open_socket(server):
    """Return a function that opens a socket; it is closed at the end."""
    with contextlib.ExitStack() as opened:
        yield lambda path, **options: opened.enter_context(
            connect(f"{server.ws}/{path}", compression=None, **options)
        )


@pytest.fixture
def session(server, outsider):
    """Return the headers of a browser that signed in."""
    browser = Client()
    browser.force_login(outsider)
    name = settings.SESSION_COOKIE_NAME
    return {"Cookie": f"other=1; {name}={browser.cookies[name].value}"}


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def refused(open_socket, path, **options):
    """Return the HTTP answer that a handshake is refused with."""
    with pytest.raises(InvalidStatus) as error:
        open_socket(path, **options)
    return error.value.response


def close_code(connection):
    with pytest.raises(ConnectionClosed) as error:
        read_on(connection)
    return error.value.rcvd.code if error.value.rcvd else None


def read_on(connection):
    while True:
        connection.recv(timeout=10)


def said(connection):
    connection.send("who")
    return connection.recv(timeout=10)


# Who may come in


def test_a_token_in_the_header_is_let_in(open_socket, outsider):
    connection = open_socket("echo", additional_headers=bearer(token(outsider)))

    assert said(connection) == outsider.email
    assert connection.subprotocol is None


def test_a_token_in_the_query_is_let_in(open_socket, outsider):
    connection = open_socket(f"echo?x=1&token={token(outsider)}")

    assert said(connection) == outsider.email


def test_a_token_as_subprotocol_is_let_in_and_not_sent_back(open_socket, outsider):
    connection = open_socket("echo", subprotocols=["bearer", token(outsider)])

    assert said(connection) == outsider.email
    assert connection.subprotocol == "bearer"


def test_a_session_from_our_own_page_is_let_in(server, open_socket, session, outsider):
    connection = open_socket("echo", additional_headers=session, origin=server.url)

    assert said(connection) == outsider.email


@pytest.mark.parametrize(
    "origin", [None, "http://elsewhere.example", "null", "http://[", "127.0.0.1"]
)
def test_a_session_from_anywhere_else_is_refused(open_socket, session, origin):
    answer = refused(open_socket, "echo", additional_headers=session, origin=origin)

    assert answer.status_code == 401


def test_a_session_from_a_trusted_origin_is_let_in(open_socket, session, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://front.example"]

    connection = open_socket(
        "echo", additional_headers=session, origin="https://front.example"
    )

    connection.send("hello")
    assert connection.recv(timeout=10) == "hello"


def test_nobody_is_refused_in_the_handshake(open_socket, db):
    answer = refused(open_socket, "echo")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert b"closed_4401" in answer.body


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "%00", "é.é.é", "e30.e30.e30"])
def test_what_is_no_token_is_refused(open_socket, db, text):
    assert refused(open_socket, f"echo?token={text}").status_code == 401


def test_a_token_of_a_past_hour_is_refused(open_socket, outsider):
    stale = AccessToken.for_user(outsider)
    stale.set_exp(lifetime=-stale.lifetime)

    answer = refused(open_socket, "echo", additional_headers=bearer(stale))

    assert answer.status_code == 401


@pytest.mark.parametrize("field", [{"uactive": False}, {"uisdel": True}])
def test_the_token_of_someone_blocked_is_refused(open_socket, outsider, field):
    headers = bearer(token(outsider))
    type(outsider).objects.update(**field)

    answer = refused(open_socket, "echo", additional_headers=headers)

    assert answer.status_code == 401


def test_a_page_can_read_why_it_is_refused(open_socket, db):
    assert close_code(open_socket("explaining")) == 4401


@pytest.mark.parametrize(("name", "status"), [("refused", 409), ("conflict", 409)])
def test_a_socket_may_turn_away_by_a_reason(open_socket, name, status):
    assert refused(open_socket, f"turning/{name}").status_code == status


def test_a_break_in_the_handshake_is_500_and_logged(open_socket, caplog):
    assert refused(open_socket, "turning/broken").status_code == 500
    assert "A socket on /turning/broken broke" in caplog.text


def test_an_unknown_path_is_refused_calmly(open_socket, caplog):
    caplog.set_level(logging.INFO)

    assert refused(open_socket, "nowhere/at/all").status_code == 404
    assert "Traceback" not in caplog.text
    assert [r for r in caplog.records if r.levelno > logging.INFO] == []


# Frames


@pytest.mark.parametrize("frame", ["글자", b"\0\xff", "", b""])
def test_text_stays_text_and_bytes_stay_bytes(open_socket, frame):
    connection = open_socket("open")

    connection.send(frame)

    assert connection.recv(timeout=10) == frame


def test_ten_thousand_frames_come_back_in_order(open_socket):
    connection = open_socket("open")
    frames = [number.to_bytes(4, "big") for number in range(10_000)]

    sender = threading.Thread(target=lambda: [connection.send(f) for f in frames])
    sender.start()
    received = [connection.recv(timeout=10) for _ in frames]
    sender.join()

    assert received == frames


def test_ten_thousand_frames_at_once_arrive_in_order(open_socket):
    connection = open_socket("counting")

    connection.send("10000")

    received = [connection.recv(timeout=10) for _ in range(10_000)]
    assert received == [str(number) for number in range(10_000)]


@pytest.mark.parametrize("frame", [b"x" * 101, "x" * 101])
def test_a_frame_too_large_closes_the_socket(open_socket, frame):
    connection = open_socket("small")
    connection.send(b"x" * 100)
    assert connection.recv(timeout=10) == b"x" * 100

    connection.send(frame)

    assert close_code(connection) == 1009


def test_a_frame_beyond_the_server_limit_closes_the_socket(open_socket):
    connection = open_socket("open")

    # Its head is enough: a client that sends it all would find the door shut.
    head = b"\x82\xff" + ((1 << 25) + 1).to_bytes(8, "big")
    connection.socket.sendall(head + bytes(4))

    assert close_code(connection) == 1009


# Errors


def test_a_domain_error_is_told_and_the_socket_lives(open_socket):
    connection = open_socket("open")

    connection.send("refuse")

    assert connection.recv(timeout=10) == (
        '{"type": "error", "detail": "There is one already.", "code": "conflict"}'
    )
    connection.send("still here")
    assert connection.recv(timeout=10) == "still here"


@pytest.mark.parametrize("word", ["break", "miss"])
def test_a_broken_socket_closes_alone_and_is_logged(open_socket, caplog, word):
    connection, other = open_socket("open"), open_socket("open")

    connection.send(word)

    assert close_code(connection) == 1011
    assert "A socket on /open broke" in caplog.text
    other.send("hello")
    assert other.recv(timeout=10) == "hello"


def test_a_broken_event_handler_is_logged_and_the_socket_lives(
    open_socket, transactional_db, caplog
):
    connection = open_socket("feed")

    publish(socket_app.FEED, "feed.broken")
    publish(socket_app.FEED, "feed.unknown")
    publish(socket_app.FEED, "feed.frame", frame=b"after")

    assert connection.recv(timeout=10) == b"after"
    assert "feed.broken failed on Feed" in caplog.text


# Ends


def test_a_silent_socket_is_closed(open_socket):
    connection = open_socket("idle")
    start = time.monotonic()
    for _ in range(3):
        time.sleep(0.15)
        connection.send("here")

    assert close_code(connection) == 1000
    assert 0.7 < time.monotonic() - start < 3


def test_a_user_who_is_sent_away_loses_every_socket(open_socket, outsider, boss):
    headers = bearer(token(outsider))
    theirs = [open_socket("echo", additional_headers=headers) for _ in range(2)]
    other = open_socket("echo", additional_headers=bearer(token(boss)))
    for connection in [*theirs, other]:
        said(connection)

    publish(user_group(outsider), "user.left")

    assert [close_code(connection) for connection in theirs] == [4401, 4401]
    assert said(other) == boss.email


def test_a_socket_that_has_gone_is_told_once(open_socket):
    connection = open_socket("open")
    connection.send("hello")
    connection.recv(timeout=10)
    socket_app.events.clear()

    connection.socket.close()

    wait_for(lambda: socket_app.events == ["left"])
    time.sleep(0.1)
    assert socket_app.events == ["left"]


def test_a_client_that_never_reads_is_cut_off_and_delays_nobody(
    server, open_socket, transactional_db, caplog
):
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", server.port))
    deaf.sendall(
        b"GET /feed HTTP/1.1\r\nHost: x\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert deaf.recv(20) == b"HTTP/1.1 101 Switchi"
    reading = open_socket("feed")
    frames = [bytes([number]) * 100_000 for number in range(120)]

    worst = 0
    for frame in frames:
        start = time.monotonic()
        publish(socket_app.FEED, "feed.frame", frame=frame)
        assert reading.recv(timeout=10) == frame
        worst = max(worst, time.monotonic() - start)

    assert worst < 1
    assert "A client of /feed fell too far behind" in caplog.text
    with deaf:
        received = sum(map(len, iter(lambda: deaf.recv(1 << 20), b"")))
    assert received < sum(map(len, frames))


def test_too_many_frames_cut_off_whatever_their_size(open_socket, caplog):
    connection = open_socket("counting")

    connection.send("30000")

    assert close_code(connection) is None
    assert "A client of /counting fell too far behind" in caplog.text


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
