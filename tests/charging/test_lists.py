"""Lists: as many queries for one row as for many, states by the clock, exports."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from charging import cancelling, exports, hours, listings
from charging.models import Outage, Reservation, Status
from tests.charging.bookings import DAY, booked

pytestmark = pytest.mark.django_db

API = "/charging/api"


def fill(count):
    for n in range(count):
        booked(bay=1 + n % 4, plate=f"{n:02}가1234", start=9 + n // 4)


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        (f"{API}/reservations/by-session?date=2031-03-10", 2),
        (f"{API}/sessions", 2),
        (f"{API}/reservations/my?email=kim@example.com&plate=12가3456", 1),
    ],
)
@pytest.mark.parametrize("rows", [1, 20])
def test_the_number_of_queries_is_constant(
    api, django_assert_num_queries, path, queries, rows
):
    fill(rows)

    with django_assert_num_queries(queries):
        response = api().get(path)

    assert response.status_code == 200


def test_states_by_the_clock():
    reservation = booked()
    start, end = reservation.starts_at, reservation.ends_at
    moments = {
        start - timedelta(microseconds=1): Status.CONFIRMED,
        start: Status.IN_PROGRESS,
        end - timedelta(microseconds=1): Status.IN_PROGRESS,
        end: Status.COMPLETED,
    }

    for moment, state in moments.items():
        in_sql = Reservation.objects.with_state(moment).get().state
        assert in_sql == listings.state_of(reservation, moment) == state

    cancelling.cancel(Reservation.objects.all(), reservation.pk)
    assert Reservation.objects.with_state().get().state == Status.CANCELLED


@pytest.mark.parametrize(
    ("plate", "masked"),
    [("12가3456", "12***56"), ("서울12가3456", "서울*****56"), ("12345", "12*45")],
)
def test_masking_leaves_both_ends(plate, masked):
    assert listings.masked_plate(plate) == masked


@pytest.mark.parametrize(
    "query", ["", "?date=", "?date=2031-3-1", "?date=1999-01-01", "?date=1930870800"]
)
def test_a_day_needs_a_date(api, query):
    response = api().get(f"{API}/reservations/by-session{query}")

    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", "date"]


def test_a_day_that_is_known_is_not_sent_again(api):
    path = f"{API}/reservations/by-session?date=2031-03-10"
    booked()
    first = api().get(path)

    same = api().get(path, headers={"If-None-Match": first["ETag"]})
    booked(bay=2, plate="99하9999")
    changed = api().get(path, headers={"If-None-Match": first["ETag"]})

    assert (same.status_code, changed.status_code) == (304, 200)
    assert first["Cache-Control"] == "no-cache"


def test_a_calendar_entry(api):
    reservation = booked(email="kim@example.com", plate="12가3456")

    response = api().get(
        f"{API}/reservations/{reservation.pk}.ics",
        {"email": "kim@example.com", "plate": "12가3456"},
    )

    lines = response.content.decode().split("\r\n")
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert lines[0] == "BEGIN:VCALENDAR"
    assert "DTSTART:20310310T010000Z" in lines
    assert "DTEND:20310310T020000Z" in lines
    assert "SUMMARY:세션 1 · 12가3456" in lines
    assert lines[-2:] == ["END:VCALENDAR", ""]


def test_long_lines_of_a_calendar_are_folded():
    reservation = booked()
    reservation.session.name = "충전소, " * 16

    text = exports.as_calendar(reservation, now=datetime(2031, 1, 1, tzinfo=UTC))

    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "충전소\\, " * 16 in text.replace("\r\n ", "")


def test_a_table_for_spreadsheets(api, staff):
    booked(email="=cmd@example.com")
    gone = booked(bay=2, plate="99하9999", start=12)
    cancelling.cancel(Reservation.objects.all(), gone.pk, reason="=1+1")
    booked(day=DAY + timedelta(days=1))

    response = api(staff).get(
        f"{API}/admin/reservations.csv?from=2031-03-10&to=2031-03-10"
    )

    text = b"".join(response.streaming_content).decode()
    head, first, second = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert text.startswith("\ufeff")
    assert head == exports.TABLE
    assert first[1:8] == [
        *("세션 1", "12가3456", "2031-03-10", "10:00", "11:00", "CONFIRMED"),
        "'=cmd@example.com",
    ]
    assert (second[6], second[10]) == ("CANCELLED", "'=1+1")


def test_verify_without_a_window_asks_for_what_is_not_over(api, staff):
    past = timezone.now().date() - timedelta(days=3)
    booked(day=past, user=staff)

    def verify(**more):
        answer = api().post(f"{API}/plates/verify", {"plate": "12가3456", **more})
        return answer.json()["conflict"]

    before = verify()
    booked(day=date(2031, 3, 10))

    assert (before, verify(), verify(date="2031-03-10")) == (False, True, True)
    assert verify(date="2031-03-11", startTime="10:00", endTime="11:00") is False
    assert verify(sessionId="", date=None, startTime="") is True


def test_verify_tells_what_a_booking_would_meet(api, staff):
    window = {"date": "2031-03-10", "startTime": "10:00", "endTime": "11:00"}
    at_ten = hours.window(date(2031, 3, 10), 600, 660)
    Outage.objects.create(session_id=1, starts_at=at_ten.start, ends_at=at_ten.end)

    def verify(user=None, **changes):
        wish = {"plate": "12가3456", "sessionId": 1, **window, **changes}
        return api(user).post(f"{API}/plates/verify", wish)

    outage = verify().json()
    assert (outage["valid"], outage["conflict"]) == (False, True)
    assert outage["message"] == "This bay is out of service at that time."
    assert outage["conflictingReservation"] is None
    assert verify(sessionId=2).json()["valid"]
    assert verify(sessionId=None).json()["valid"]
    assert verify(date="2026-01-05").status_code == 400
    assert verify(staff, sessionId=2, date="2026-01-05").json()["valid"]


def test_verify_refusals(api):
    window = {"date": "2031-03-10", "startTime": "10:00", "endTime": "11:00"}

    def status(**changes):
        wish = {"plate": "12가3456", **window, **changes}
        return api().post(f"{API}/plates/verify", wish).status_code

    assert status(sessionId=99) == 404
    assert status(startTime="03:00") == 400
    assert status(startTime="10:10") == 400
    assert status(plate="") == 422
    assert status(plate=None) == 422
    assert status(endTime="25:00") == 422
