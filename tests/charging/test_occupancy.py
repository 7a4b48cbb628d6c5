"""Opening times, sightings and how busy it was, over the API of our pages."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from charging import matching, occupancy
from charging.models import BusinessHours, Closure, Outage, Reservation
from tests.charging.bookings import DAY, booked

OPENING = f"/charging/api/opening?date={DAY}"


def seoul(hour, day=DAY):
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
        hours=hour - 9
    )


def test_opening_times_of_an_ordinary_day(api, db):
    assert api().get(OPENING).json() == {"open": 540, "close": 1320, "outages": []}


def test_opening_times_heed_weekdays_and_closures(api, db):
    BusinessHours.objects.create(weekday=DAY.weekday(), opens=600, closes=1200)
    assert api().get(OPENING).json()["open"] == 600

    Closure.objects.create(first_day=DAY, last_day=DAY)
    assert api().get(OPENING).json() == {"open": 0, "close": 0, "outages": []}


def test_outages_are_cut_to_the_day(api, db):
    Outage.objects.create(session_id=2, starts_at=seoul(-5), ends_at=seoul(10.5))
    Outage.objects.create(session_id=3, starts_at=seoul(20), ends_at=seoul(40))
    Outage.objects.create(session_id=4, starts_at=seoul(24), ends_at=seoul(40))

    outages = api().get(OPENING).json()["outages"]

    assert sorted(outages, key=lambda one: one["sessionId"]) == [
        {"sessionId": 2, "start": 0, "end": 630},
        {"sessionId": 3, "start": 1200, "end": 1440},
    ]


@pytest.mark.parametrize("query", ["", "?date=", "?date=2031-02-30", "?date=1e9"])
def test_the_day_must_be_readable(api, db, query):
    assert api().get(f"/charging/api/opening{query}").status_code == 422


@pytest.mark.parametrize("path", ["sightings", "occupancy"])
def test_the_board_is_for_staff(api, stranger, staff, path):
    path = f"/charging/api/admin/{path}"

    assert api().get(path).status_code == 401
    assert api(stranger).get(path).status_code == 403
    assert api(staff).get(path).status_code == 200


def test_sightings_come_newest_first_with_their_reservation(api, staff):
    reservation = booked(email="kim@example.com")
    matching.match("12가-3456", seoul(10.5))
    matching.record("99하", seoul(11), "recognition", confidence=0.5)

    other, match = api(staff).get("/charging/api/admin/sightings").json()["sightings"]

    assert other["plate"] == "99하"
    assert (other["source"], other["confidence"]) == ("recognition", 0.5)
    assert other["reservation"] is None
    assert match["plate"] == "12가-3456"
    assert match["seenAt"] == "2031-03-10T01:30:00Z"
    assert match["reservation"]["id"] == str(reservation.pk)
    assert match["reservation"]["contactEmail"] == "kim@example.com"


@pytest.mark.parametrize("count", [1, 3])
def test_sightings_cost_one_query(api, staff, count, django_assert_num_queries):
    client = api(staff)
    for n in range(count):
        booked(plate=f"12가300{n}", start=10 + n)
        matching.match(f"12가300{n}", seoul(10 + n))

    with django_assert_num_queries(2):  # the caller, and the list
        sightings = client.get("/charging/api/admin/sightings").json()["sightings"]

    assert len(sightings) == count


def test_shares_by_weekday_and_half_hour(db):
    today = DAY + timedelta(days=7)  # a Monday, as DAY is
    booked(bay=1, start=10, hours=1)
    booked(bay=2, start=10.5, hours=0.5, plate="34나5678")

    found = occupancy.weeks(today, days=14)

    assert (found["first"], found["last"]) == ("2031-03-03", "2031-03-16")
    assert (found["opens"], found["slot"]) == (540, 30)
    assert [len(shares) for shares in found["weekdays"]] == [26] * 7
    # Two Mondays with four bays each.
    assert found["weekdays"][0][:5] == [0, 0, 0.125, 0.25, 0]
    assert found["weekdays"][1] == [0] * 26


def test_a_weekday_that_was_never_open_has_no_share(db):
    BusinessHours.objects.create(weekday=6, opens=0, closes=0)

    found = occupancy.weeks(date(2031, 3, 10))

    assert found["weekdays"][6] == [None] * 26
    assert found["weekdays"][5] == [0] * 26


def test_the_home_page_tells_of_the_bays(client, staff):
    now = timezone.now()
    local = now.astimezone(settings.BUSINESS_TIMEZONE)
    Reservation.objects.create(
        session_id=1, plate="x", starts_at=now, ends_at=now + timedelta(hours=1)
    ).slots.create(session_id=1, plate_normalized="X", slot_start=now)
    booked(day=local.date() + timedelta(days=2))
    client.force_login(staff)

    apps = client.get("/api/status").json()["apps"]

    (charging,) = [app for app in apps if app["name"] == "charging"]
    assert charging["state"] == "live"
    assert [value for _label, value in charging["figures"]] == ["1 / 4", 1]
