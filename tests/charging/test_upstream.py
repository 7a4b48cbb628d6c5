"""Services behind ours in trouble: how long they are waited for, and left alone."""

import itertools
import socket
import threading
import time

import pytest
from django.core.cache import cache

from charging import battery, recognition
from tests.charging.conftest import JPEG

BATTERY_URL = "/charging/api/battery/now"
SECONDS = 0.6
HEADERS = [b"HTTP/1.1 200 OK\r\n", *(b"X-%d: x\r\n" % n for n in range(50))]
INTERIM = [b"HTTP/1.1 102 Processing\r\n\r\n"] * 50
PIECES = [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    *[b"1\r\n \r\n"] * 50,
]
LATE = {
    "silence": "silence",
    "a header now and then": {"raw": (HEADERS, 0.25)},
    "letters of a header": {"raw": (list(map(bytes, zip(HEADERS[0]))), 0.25)},
    "interim answers": {"raw": (INTERIM, 0.25)},
    "a body in pieces": {"raw": (PIECES, 0.25)},
    "a body, the last piece late": {"status": 200, "drip": ([b"{", b"}", b" "], 0.55)},
}


@pytest.fixture
def impatient(settings, monkeypatch):
    settings.PLATE_SERVICE_TIMEOUT = SECONDS
    monkeypatch.setattr(battery, "SECONDS", SECONDS)


class Watch:
    """Measures what happens inside `with watch:`."""

    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, *error):
        self.seconds = time.monotonic() - self.start


# Time


@pytest.mark.parametrize("answer", LATE.values(), ids=LATE)
def test_the_time_is_for_the_whole_of_a_reading(recogniser, upload, impatient, answer):
    recogniser.answer = answer

    with Watch() as watch:
        response = upload()

    assert response.status_code == 504
    assert SECONDS <= watch.seconds < SECONDS + 0.4


@pytest.mark.parametrize("answer", LATE.values(), ids=LATE)
def test_the_time_is_for_the_whole_of_a_look_at_the_battery(
    service, client, db, settings, impatient, answer
):
    settings.BATTERY_DATABASE_URL = service.url
    service.answer = answer

    with Watch() as watch:
        response = client.get(BATTERY_URL)

    assert response.status_code == 504
    assert SECONDS <= watch.seconds < SECONDS + 0.4


def test_the_time_is_for_sending_too(recogniser, upload, impatient):
    recogniser.read_slowly = True

    with Watch() as watch:
        response = upload(JPEG.ljust(8 << 20, b"x"))

    assert response.status_code == 504
    assert SECONDS <= watch.seconds < SECONDS + 0.5  # eight megabytes are read first


def test_the_time_is_for_the_handshake_too(upload, recogniser, impatient, settings):
    with socket.create_server(("127.0.0.1", 0)) as mute, Watch() as watch:
        settings.PLATE_SERVICE_URL = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        response = upload()

    assert response.status_code == 504
    assert SECONDS <= watch.seconds < SECONDS + 0.4


def test_after_many_late_answers_a_good_one_comes(recogniser, upload, settings):
    settings.CHARGING_GUEST_RECOGNITION_RATE = (1000, 60)
    settings.PLATE_SERVICE_TIMEOUT = 0.05
    recogniser.answer = {"raw": (HEADERS, 0.02)}
    codes = []
    for _ in range(120):  # more than the client keeps connections
        cache.delete("charging:upstream:plates:failures")
        codes.append(upload().status_code)
    settings.PLATE_SERVICE_TIMEOUT = 2
    recogniser.answer = {"status": 200, "json": {"plate": "1"}}

    assert codes == [504] * 120
    assert upload().status_code == 200


def test_connections_are_used_again(recogniser, upload):
    recogniser.answer = {"status": 200, "json": {"plate": "1"}}

    assert [upload().status_code for _ in range(3)] == [200] * 3
    assert len({asked.port for asked in recogniser.asked}) == 1


# Size


def test_an_endless_answer_is_given_up(recogniser, upload):
    recogniser.answer = {
        "raw": (
            itertools.chain(
                [b"HTTP/1.1 200 OK\r\n\r\n{}"], itertools.repeat(b" " * 65536)
            ),
            0,
        )
    }

    assert upload().status_code == 502


# Health


@pytest.mark.parametrize("answer", [{"status": s, "json": {}} for s in (502, 503, 504)])
def test_an_upstream_that_is_down_is_left_alone_until_it_answers(
    recogniser, upload, answer
):
    recogniser.answer = answer
    assert [upload().status_code for _ in range(5)] == [502] * 5

    response = upload()

    assert response.status_code == 503
    assert response.json()["code"] == "upstream_down"
    assert 1 <= int(response["Retry-After"]) <= 15
    assert len(recogniser.asked) == 5

    # When its rest is over, one request finds out.
    rest_is_over()
    assert upload().status_code == 502
    assert upload().status_code == 503
    rest_is_over()
    recogniser.answer = {"status": 200, "json": {"plate": "1"}}
    assert [upload().status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("hang up", 502),
        ("silence", 504),
        ({"raw": ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], 0)}, 502),
        ({"raw": ([b"no HTTP\r\n\r\n"], 0)}, 502),
    ],
    ids=["hang up", "silence", "cut", "no HTTP"],
)
def test_who_gives_no_answer_is_down(recogniser, upload, settings, answer, code):
    settings.PLATE_SERVICE_TIMEOUT = 0.2
    recogniser.answer = answer

    assert [upload().status_code for _ in range(6)] == [code] * 5 + [503]


def test_who_refuses_connections_is_down(upload, recogniser, settings):
    settings.PLATE_SERVICE_URL = "http://127.0.0.1:1/"

    assert [upload().status_code for _ in range(6)] == [502] * 5 + [503]


GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    "answer",
    [
        *({"status": s, "json": {}} for s in (400, 401, 404, 429, 500, 501, 505)),
        {"status": 200, "text": "no JSON"},
        {"status": 200, "text": '{"plate": NaN}'},
        {"status": 200, "json": {"plate": 7}},
        {"status": 200, "text": "no gzip", "headers": GZIP},
        {"status": 200, "text": "[]".ljust((1 << 20) + 1)},
    ],
    ids=lambda answer: str(answer)[:50],
)
def test_who_answers_is_not_down(recogniser, upload, answer):
    recogniser.answer = {"status": 503, "json": {}}
    assert [upload().status_code for _ in range(4)] == [502] * 4

    recogniser.answer = answer
    assert [upload().status_code for _ in range(6)] == [502] * 6

    # What came before is forgotten.
    recogniser.answer = {"status": 503, "json": {}}
    assert [upload().status_code for _ in range(4)] == [502] * 4
    recogniser.answer = {"status": 200, "json": {"plate": "1"}}
    assert upload().status_code == 200


def test_a_refusal_ends_the_rest(recogniser, upload):
    rest_is_over()
    recogniser.answer = {"status": 500, "json": {}}

    assert [upload().status_code for _ in range(3)] == [502] * 3


def test_an_address_that_is_none_says_nothing_of_anybody(recogniser, upload, settings):
    for url in (
        "http://[",
        "ftp://127.0.0.1/",
        "http://",
        "//",
        "http://\ud83d/",
        "http://" + "a" * 70,
    ):
        settings.PLATE_SERVICE_URL = url
        assert [upload().status_code for _ in range(2)] == [502] * 2
    settings.PLATE_SERVICE_URL = recogniser.url
    assert upload().status_code == 200


def rest_is_over():
    cache.set("charging:upstream:plates:down", 1.0, 60)


def test_while_one_finds_out_the_others_wait(recogniser, upload, settings):
    rest_is_over()
    cache.set("charging:upstream:plates:probe", 1, 60)

    assert upload().status_code == 503
    assert recogniser.asked == []


def test_a_hanging_upstream_takes_few_threads(recogniser, upload):
    answers = []
    turns = [recognition.recogniser.turns.acquire(blocking=False) for _ in range(8)]
    thread = threading.Thread(target=lambda: answers.append(upload()))
    thread.start()
    thread.join(5)
    for _ in turns:
        recognition.recogniser.turns.release()

    assert turns == [True] * 8
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_busy")
    assert answer["Retry-After"] == "1"
    assert recogniser.asked == []
