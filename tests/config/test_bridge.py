"""The bridge under a real uvicorn: right bytes, flat memory, no thread that waits."""

import asyncio
import contextlib
import os
import socket
import time
from hashlib import sha256

import httpx
import pytest
from django.db import connection

from config import asgi, bridge
from config.bridge import CHUNKED_BYTES
from tests import serving
from tests.config.wsgi_app import FILE_BYTES, STREAM_THREADS, THREADS
from tests.conftest import token

MORE_THAN_THREADS = THREADS + STREAM_THREADS + 4
MIB = 1 << 20


@pytest.fixture(scope="module")
def server():
    with serving.as_process("tests.config.wsgi_app:bridge") as served:
        yield served


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server.url, timeout=20) as client:
        yield client


@pytest.fixture
def raw(server):
    """Return an open socket that has sent the bytes given; closed at the end."""
    with contextlib.ExitStack() as opened:

        def connect(request):
            client = socket.socket()
            # Small buffers, so that a client that does not read is felt at once.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect(("127.0.0.1", server.port))
            client.sendall(request)
            return opened.enter_context(client)

        yield connect


def head(method, path, *headers):
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]
    ).encode()


def answers_within_a_second(http):
    start = time.monotonic()
    assert http.get("/now").status_code == 200
    return time.monotonic() - start < 1


def eventually(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_request_and_its_body_come_through(http):
    told = http.post("/here?a=1&b=%20", content=b"hello").json()

    assert told["REQUEST_METHOD"] == "POST"
    assert told["PATH_INFO"] == "/here"
    assert told["QUERY_STRING"] == "a=1&b=%20"
    assert told["CONTENT_LENGTH"] == "5"
    assert told["body"] == "hello"
    assert told["REMOTE_ADDR"] == "127.0.0.1"


def test_a_get_has_an_empty_body(http):
    assert http.get("/here").json()["body"] == ""


def test_paths_are_latin1_of_their_utf8(http):
    told = http.get("/%EC%A7%80%EB%8F%84/a%20b%2Fc").json()

    assert told["PATH_INFO"].encode("latin-1").decode() == "/지도/a b/c"
    assert told["RAW_URI"] == "/%EC%A7%80%EB%8F%84/a%20b%2Fc"


def test_repeated_headers_are_joined(http):
    headers = [
        ("X-Word", "one"),
        ("X-Word", "two"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
    ]

    told = http.get("/", headers=headers).json()

    assert told["HTTP_X_WORD"] == "one,two"
    assert told["HTTP_COOKIE"] == "a=1; b=2"


def test_a_header_with_an_underscore_passes_for_no_other(http):
    told = http.get("/", headers={"X_Forwarded_Proto": "https"}).json()

    assert "HTTP_X_FORWARDED_PROTO" not in told


def test_every_cookie_keeps_its_line(http):
    response = http.get("/cookies")

    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]


@pytest.mark.parametrize("path", ["/pieces", "/one"])
@pytest.mark.parametrize("size", [1, MIB, MIB + 1, 20 * MIB])
def test_uploads_arrive_whole(http, path, size):
    body = os.urandom(size)

    response = http.post(path, content=body)

    assert response.json() == [size, sha256(body).hexdigest()]


@pytest.mark.parametrize("path", ["/pieces", "/one"])
def test_a_chunked_upload_tells_its_length_to_the_application(http, path):
    pieces = [os.urandom(70_000) for _ in range(40)]

    response = http.post(path, content=iter(pieces))

    assert response.json() == [2_800_000, sha256(b"".join(pieces)).hexdigest()]


def test_an_endless_chunked_upload_is_refused(raw):
    client = raw(head("POST", "/pieces", "Transfer-Encoding: chunked"))

    for _ in range(CHUNKED_BYTES // MIB):
        client.sendall(b"100000\r\n" + bytes(MIB) + b"\r\n")
    client.sendall(b"1\r\nx\r\n")

    answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


def test_a_large_upload_needs_little_memory(server, http):
    http.post("/pieces", content=bytes(2 * MIB))
    before = server.forget_peak()

    http.post(
        "/pieces",
        content=iter([bytes(MIB)] * 20),
        headers={"Content-Length": str(20 * MIB)},
    )

    assert server.peak() - before < 10 * MIB


def test_a_large_download_needs_little_memory(server, http):
    http.get("/now")
    before = server.forget_peak()

    with http.stream("GET", "/file") as response:
        length = sum(map(len, response.iter_raw()))

    assert length == FILE_BYTES
    assert server.peak() - before < 10 * MIB


def test_downloads_that_nobody_reads_keep_no_thread(http, raw):
    for _ in range(MORE_THAN_THREADS):
        raw(head("GET", "/file"))
    time.sleep(0.2)

    assert all(answers_within_a_second(http) for _ in range(5))


def test_uploads_that_stop_half_way_keep_no_ordinary_thread(http, raw):
    for _ in range(MORE_THAN_THREADS):
        raw(head("POST", "/pieces", f"Content-Length: {2 * MIB}") + bytes(1000))
    time.sleep(0.2)

    assert all(answers_within_a_second(http) for _ in range(5))
    assert http.post("/pieces", content=bytes(MIB)).json()[0] == MIB


def test_small_and_chunked_uploads_that_stop_half_way_keep_no_thread(http, raw):
    for _ in range(MORE_THAN_THREADS):
        raw(head("POST", "/pieces", "Content-Length: 1000") + bytes(10))
        raw(head("POST", "/pieces", "Transfer-Encoding: chunked") + b"2\r\nab\r\n")
    time.sleep(0.2)

    assert http.get("/now").json()["reading"] == 0
    assert all(answers_within_a_second(http) for _ in range(5))


def test_generated_bodies_that_nobody_reads_keep_no_ordinary_thread(http, raw):
    for _ in range(MORE_THAN_THREADS):
        raw(head("GET", "/flow?pieces=1000&size=100000"))
    time.sleep(0.2)

    assert all(answers_within_a_second(http) for _ in range(5))


def test_views_that_wait_for_others_keep_no_ordinary_thread(http, raw):
    for _ in range(MORE_THAN_THREADS):
        raw(head("GET", "/wait"))
    assert eventually(lambda: http.get("/now").json()["waiting"])

    assert all(answers_within_a_second(http) for _ in range(5))
    assert eventually(lambda: not http.get("/now").json()["waiting"])


def test_a_generated_body_is_sent_as_it_grows(http):
    start = time.monotonic()

    with http.stream("GET", "/flow?pieces=4&size=10&wait=0.2") as response:
        times = [time.monotonic() - start for _ in response.iter_raw()]

    assert len(times) == 4
    assert times[0] < 0.5
    assert times[-1] > 0.7


def test_a_generated_body_is_made_and_closed_on_one_thread(http):
    before = http.get("/now").json()

    response = http.get("/flow?pieces=300&size=1000")

    assert len(response.content) == 300_000
    assert http.get("/now").json()["closed"] == before["closed"] + 1


def test_a_generated_body_waits_for_a_client_that_does_not_read(http, raw):
    before = http.get("/now").json()["pieces"]

    raw(head("GET", "/flow?pieces=100000&size=100000"))
    time.sleep(0.5)

    made = http.get("/now").json()["pieces"] - before
    assert 0 < made < 100


@pytest.mark.parametrize("path", ["/flow?pieces=1000000000&size=1000", "/file"])
def test_a_client_that_leaves_a_download_leaves_no_work(server, http, raw, path):
    assert eventually(lambda: http.get("/now").json()["producing"] == 0)

    for _ in range(MORE_THAN_THREADS):
        raw(head("GET", path)).close()

    assert eventually(lambda: http.get("/now").json()["producing"] == 0)
    assert eventually(lambda: not open_files(server))


def open_files(server):
    """Return the descriptors of the downloaded file beyond the application's own."""
    links = []
    for link in os.scandir(f"/proc/{server.pid}/fd"):
        with contextlib.suppress(OSError):
            links.append(os.readlink(link))
    found = [link for link in links if link.endswith("(deleted)")]
    return found[1:]


def test_a_client_that_leaves_an_upload_leaves_no_thread(http, raw):
    assert eventually(lambda: http.get("/now").json()["reading"] == 0)
    request = head("POST", "/pieces", f"Content-Length: {8 * MIB}") + bytes(2 * MIB)
    clients = [raw(request) for _ in range(STREAM_THREADS)]
    assert eventually(lambda: http.get("/now").json()["reading"] == STREAM_THREADS)

    for client in clients:
        client.close()

    assert eventually(lambda: http.get("/now").json()["reading"] == 0)
    assert http.post("/pieces", content=bytes(2 * MIB)).json()[0] == 2 * MIB


@pytest.mark.parametrize("path", ["/file", "/here", "/flow?pieces=3&size=10"])
def test_head_has_headers_and_no_body(http, raw, path):
    client = raw(head("HEAD", path) + head("GET", "/cookies", "Connection: close"))

    answers = b"".join(iter(lambda: client.recv(65536), b""))

    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.split(b"\r\n\r\n", 1)[1].startswith(b"HTTP/1.1 200 OK")


def test_a_broken_application_answers_500_and_the_next_one_is_served(http):
    assert http.get("/broken").status_code == 500
    assert http.get("/here").status_code == 200


def test_a_body_that_breaks_half_way_is_not_taken_for_whole(http):
    with pytest.raises(httpx.RemoteProtocolError):
        http.get("/broken-half-way")

    assert http.get("/here").status_code == 200


def test_an_upload_in_flight_does_not_keep_the_server_from_stopping():
    with serving.as_process("tests.config.wsgi_app:bridge") as served:
        client = socket.create_connection(("127.0.0.1", served.port))
        client.sendall(head("POST", "/pieces", f"Content-Length: {2 * MIB}") + b"x")
        time.sleep(0.2)
        start = time.monotonic()

    assert time.monotonic() - start < 6
    client.close()


def test_no_thread_keeps_a_database_connection(outsider):
    headers = {"Authorization": f"Bearer {token(outsider)}"}
    with serving.in_thread(asgi.application) as served, httpx.Client() as http:
        for _ in range(20):
            answer = http.get(f"{served.url}/roadblock/vehicles", headers=headers)
            assert answer.status_code == 200

        assert eventually(lambda: other_connections() == 0, seconds=3)


def other_connections():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"  # the vacuum comes and goes
        )
        return cursor.fetchone()[0]


async def test_a_sender_that_falls_silent_is_gone(monkeypatch):
    monkeypatch.setattr(bridge, "SILENT_SECONDS", 0.2)
    body = bridge.FlowingBody(asyncio.get_running_loop())
    messages = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"hello", "more_body": True})
    feeding = asyncio.create_task(body.feed(messages.get))
    buffer = bytearray(10)

    read = await asyncio.to_thread(body.readinto, buffer)
    with pytest.raises(bridge.ClientGone):
        await asyncio.to_thread(body.readinto, buffer)

    assert bytes(buffer[:read]) == b"hello"
    feeding.cancel()


async def test_few_requests_run_at_a_time_in_the_order_they_came(monkeypatch):
    monkeypatch.setattr(bridge, "YOUNG_SECONDS", 60)
    gate, inside, order = bridge.Gate(), [], []

    async def request(number):
        async with gate.turn():
            inside.append(number)
            assert len(inside) <= bridge.AT_ONCE
            order.append(number)
            await asyncio.sleep(0)
            inside.remove(number)

    await asyncio.gather(*map(request, range(20)))

    assert order == list(range(20))


async def test_requests_that_take_long_hold_up_nobody(monkeypatch):
    monkeypatch.setattr(bridge, "YOUNG_SECONDS", 0.01)
    gate, over = bridge.Gate(), asyncio.Event()

    async def long():
        async with gate.turn():
            await over.wait()

    tasks = [asyncio.create_task(long()) for _ in range(3 * bridge.AT_ONCE)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10), gate.turn():
        pass
    over.set()
    await asyncio.gather(*tasks)

    assert gate.places._value == bridge.AT_ONCE  # each place given back once


async def test_who_leaves_the_line_takes_no_place(monkeypatch):
    monkeypatch.setattr(bridge, "YOUNG_SECONDS", 60)
    gate = bridge.Gate()
    async with gate.turn(), gate.turn():
        waiting = asyncio.create_task(gate.turn().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert gate.places._value == bridge.AT_ONCE
