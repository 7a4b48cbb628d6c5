"""The lane in which guests book says what Django says, in every case."""

import json
import socket as sockets

import httpx
import pytest

from charging import booking, booking_lane, lanes
from charging.models import Reservation
from config import asgi
from tests import factories, serving
from tests.charging.bookings import body, booked
from tests.charging.test_booking import slots_fit
from tests.conftest import token

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/charging/api/reservations"
# Not said by the lane or Django, or different every time.
ITS_OWN = {"date", "content-length"}


@pytest.fixture
def served():
    with serving.in_thread(asgi.application) as served:
        yield served


@pytest.fixture
def http(served):
    """A client whose next booking takes the lane."""
    with httpx.Client(base_url=served.url, timeout=20) as client:
        for language in ("en", "ko"):
            known = body(plate="99하9999", date="2031-01-01", sessionId=4)
            answer = client.post(
                PATH, json=known, headers={"Accept-Language": language}
            )
            assert answer.status_code == 201
            Reservation.objects.all().delete()
        client.headers["Accept-Language"] = "en"
        yield client


@pytest.fixture
def in_lane(monkeypatch):
    """Return the list of addresses that the lane has answered."""
    seen, answer = [], booking_lane.answer

    def watched(body, address, language):
        seen.append(address)
        return answer(body, address, language)

    monkeypatch.setattr(booking_lane, "answer", watched)
    return seen


def headers(answer):
    return {k: v for k, v in answer.headers.items() if k not in ITS_OWN}


def without_id(answer):
    said = answer.json()
    return {name: value for name, value in said.items() if name != "id"}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (body(), 201),
        (body(plate=" 12가-3456 ", contactEmail="Kim@Example.com", extra=1), 201),
        (body(sessionId=None), 201),
        (body(sessionId=9), 404),
        (body(sessionId=2, startTime="14:00", endTime="15:00"), 409),
        (body(plate="77하7777", startTime="14:00", endTime="15:00"), 409),
        (body(startTime="07:00", endTime="08:00"), 400),
        (body(startTime="10:10"), 400),
        (body(date="2020-01-01"), 400),
        (body(plate="?", sessionId=True), 422),
        ({}, 422),
        ([], 422),
        ("{", 422),
        (b"\xff\xfe", 422),
        (b'{"sessionId": NaN}', 422),
        (b"[" * 9000, 422),
    ],
)
def test_it_says_what_django_says(http, in_lane, sent, status, language):
    booked(bay=2, plate="77하7777", start=14)
    content = sent if isinstance(sent, str | bytes) else json.dumps(sent)

    def post(**more):
        chosen = {"Accept-Language": language, **more}
        return http.post(PATH, content=content, headers=chosen)

    lane = post()
    Reservation.objects.filter(starts_at__hour=1).delete()  # 10:00 in Seoul
    django = post(**{"Idempotency-Key": "once"})

    assert len(in_lane) == 1
    assert lane.status_code == django.status_code == status
    assert headers(lane) == headers(django)
    assert without_id(lane) == without_id(django)


def test_too_many_are_refused_with_the_time_to_wait(http, in_lane, settings):
    settings.CHARGING_GUEST_CREATE_RATE = (2, 60)

    lane = http.post(PATH, json=body())
    django = http.post(PATH, json=body(), headers={"Idempotency-Key": "once"})

    assert lane.status_code == django.status_code == 429
    assert len(in_lane) == 1
    assert headers(lane) == headers(django)
    assert int(lane.headers["Retry-After"]) > 0
    assert lane.json() == django.json()


def test_who_is_signed_in_owns_the_booking(http, in_lane, api):
    driver = factories.user("driver@example.com")
    bearer = {"Authorization": f"Bearer {token(driver)}"}

    by_token = http.post(PATH, json=body(), headers=bearer)
    bad = http.post(PATH, json=body(), headers={"Authorization": "Bearer stale"})
    login = {"email": "driver@example.com", "password": "correct horse battery"}
    http.post("/charging/api/user/login", json=login)
    page = {"Origin": str(http.base_url)}
    by_session = http.post(PATH, json=body(plate="11가1111", sessionId=2), headers=page)

    assert (by_token.status_code, bad.status_code) == (201, 401)
    assert by_session.status_code == 201
    owners = Reservation.objects.values_list("owner", flat=True)
    assert list(owners) == [driver.pk, driver.pk]
    assert in_lane == []


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Accept-Language": "fr"}, 201),
        ({"Origin": "https://elsewhere.example"}, 201),
        ({"Cookie": "django_language=ko"}, 201),
    ],
)
def test_what_django_has_not_judged_yet_goes_there(http, in_lane, more, status):
    answer = http.post(PATH, json=body(), headers=more)

    assert answer.status_code == status
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert in_lane == []


def test_a_body_of_unknown_length_goes_to_django(http, in_lane):
    pieces = iter([json.dumps(body()).encode()])

    assert http.post(PATH, content=pieces).status_code == 201
    assert in_lane == []


@pytest.mark.parametrize("path", [f"{PATH}//", f"/{PATH}", f"{PATH}/x"])
def test_what_is_no_path_of_django_s_is_none_of_the_lane_s(http, in_lane, path):
    assert http.post(path, json=body()).status_code in (404, 405)
    assert in_lane == []


@pytest.mark.parametrize(
    "cookie",
    [
        b"\xc2\xa0django_language=ko",
        b"\xa0django_language=ko",
        b"django_language=ko\xa0",
        b"\xc2\xa0sessionid=x",
    ],
)
def test_cookies_are_read_as_django_reads_them(http, in_lane, cookie):
    odd = http.post(PATH, json=body(), headers={b"Cookie": cookie})
    usual = http.post(PATH, json=body())

    assert odd.status_code == 201
    assert usual.headers["Content-Language"] == "en"
    assert usual.json()["code"] == "plate_busy"
    django = odd.headers["Content-Language"]
    assert django == ("ko" if cookie == b"\xc2\xa0django_language=ko" else "en")


def test_headers_too_long_are_kept_for_nobody(http, in_lane):
    long = {"Accept-Language": "en," + "x" * lanes.KEY_BYTES}

    answers = [http.post(PATH, json=body(), headers=long) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 409]
    assert in_lane == []


def test_a_lane_keeps_no_more_than_it_may():
    kept = lanes.Kept()

    for number in range(lanes.MOST_KEPT + 2):
        kept[number] = []

    assert list(kept) == list(range(2, lanes.MOST_KEPT + 2))


def test_headers_for_one_are_not_given_to_another():
    lane = booking_lane.BookingLane(bridge=None)

    lane.keep("one", [(b"set-cookie", b"a=1"), (b"allow", b"POST")])
    lane.keep(None, [(b"allow", b"POST")])
    lane.keep("other", [(b"allow", b"POST"), (b"content-length", b"7")])

    assert lane.kept == {"other": [(b"allow", b"POST")]}


def test_a_language_by_cookie_is_spoken(http, in_lane):
    cookie = {"Cookie": "django_language=ko"}
    first = http.post(PATH, json=body(), headers=cookie)

    refused = http.post(PATH, json=body(), headers=cookie)

    assert (first.status_code, refused.status_code, len(in_lane)) == (201, 409, 1)
    assert first.headers["Content-Language"] == "ko"
    assert refused.headers["Content-Language"] == "ko"
    assert refused.json()["detail"] == "이 차량은 그 시간에 이미 예약이 있습니다."


def test_a_body_that_breaks_off_books_nothing(http, served, in_lane):
    content = json.dumps(body()).encode()
    with sockets.create_connection(("127.0.0.1", served.port)) as line:
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
            f"Accept-Language: en\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        line.sendall(head.encode() + content[:-9])

    assert http.post(PATH, json=body()).status_code == 201
    assert len(in_lane) == 1
    assert slots_fit()


def test_a_broken_booking_is_a_500_in_json_and_logged(
    http, in_lane, monkeypatch, caplog
):
    def broken(**wish):
        raise ZeroDivisionError

    monkeypatch.setattr(booking, "reserve", broken)

    answer = http.post(PATH, json=body())

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    assert len(in_lane) == 1
