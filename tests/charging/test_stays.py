"""Sightings, check-in, no-shows, overstays."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from charging import cancelling, hours, matching, tasks
from charging.models import BusinessHours, PlateSighting, Reservation
from tests.charging.bookings import booked

pytestmark = pytest.mark.django_db(transaction=True)

PLATE = "12가3456"


@pytest.fixture
def running(staff):
    """A reservation whose time it is."""
    for weekday in range(7):
        BusinessHours.objects.create(weekday=weekday, opens=0, closes=24 * 60)
    now = hours.local(timezone.now())
    half_hour = now.hour + (0.5 if now.minute >= 30 else 0)
    return booked(
        day=now.date(), start=half_hour, hours=0.5, email="kim@example.com", user=staff
    )


def ended(reservation, minutes_ago):
    """Move a reservation so that it ended some minutes ago."""
    end = timezone.now() - timedelta(minutes=minutes_ago)
    Reservation.objects.filter(pk=reservation.pk).update(
        starts_at=end - timedelta(minutes=30),
        ends_at=end,
        last_seen_at=end - timedelta(minutes=20),
    )


def fresh(reservation):
    return Reservation.objects.get(pk=reservation.pk)


def test_a_match_checks_in_once(running):
    first = timezone.now()

    matching.match("12가-3456", first)
    matching.match(PLATE, first + timedelta(seconds=5))

    stay = fresh(running)
    assert stay.checked_in_at == first
    assert stay.last_seen_at == first + timedelta(seconds=5)


def test_looking_into_the_future_checks_nobody_in():
    reservation = booked()

    found = matching.match(PLATE, reservation.starts_at)

    assert found.reservation == reservation
    assert fresh(reservation).checked_in_at is None


def test_a_cancelled_reservation_matches_nothing():
    reservation = booked()
    cancelling.cancel(Reservation.objects.all(), reservation.pk)

    found = matching.match(PLATE, reservation.starts_at)

    assert found == matching.Match(None)


def test_every_sighting_is_stored():
    reservation = booked()
    texts = {PLATE: reservation.pk, "12거3456": None, "\0": None, "": None}

    for text in texts:
        matching.match(text, reservation.starts_at)

    rows = PlateSighting.objects.order_by("pk").values_list(
        "plate", "plate_normalized", "reservation", "source", "seen_at"
    )
    seen = reservation.starts_at
    assert list(rows) == [
        (PLATE, PLATE, reservation.pk, "match", seen),
        ("12거3456", "12거3456", None, "match", seen),
        ("", "", None, "match", seen),
        ("", "", None, "match", seen),
    ]


def test_any_text_is_a_plate_that_matches_nothing(api):
    def answer(plate):
        body = {"plate": plate, "timestamp": 0}
        return api().post("/charging/api/plates/match", body, format="json")

    for plate in ("", " ? ", "x" * 200, "인식 불가", "\0"):
        assert answer(plate).json() == {
            "plate": plate.strip(),
            "match": False,
            "reservation": None,
            "suggestion": None,
        }
    assert answer("x" * 201).status_code == 422
    assert answer(1234567).status_code == 422


def test_sightings_are_forgotten(settings):
    settings.CHARGING_SIGHTING_KEEP_DAYS = 1
    for days in (0, 2):
        sighting = matching.record(PLATE, timezone.now(), "match")
        PlateSighting.objects.filter(pk=sighting.pk).update(
            created_at=timezone.now() - timedelta(days=days)
        )

    tasks.sweep()

    assert PlateSighting.objects.count() == 1


def test_no_shows_stay_where_nobody_asks(running):
    Reservation.objects.update(starts_at=timezone.now() - timedelta(minutes=20))

    tasks.keep_watch()

    assert not fresh(running).is_cancelled


def test_no_shows_are_released(running, settings):
    settings.CHARGING_NO_SHOW_MINUTES = 15
    soon = timezone.now() + timedelta(minutes=10)
    Reservation.objects.update(starts_at=soon - timedelta(minutes=24), ends_at=soon)

    tasks.keep_watch()
    early = fresh(running).is_cancelled
    Reservation.objects.update(starts_at=soon - timedelta(minutes=26))
    tasks.keep_watch()

    late = fresh(running)
    assert (early, late.is_cancelled, late.cancel_reason) == (False, True, "no-show")
    assert not late.slots.exists()


def test_who_came_is_no_no_show(running, settings):
    settings.CHARGING_NO_SHOW_MINUTES = 15
    matching.match(PLATE, timezone.now())
    Reservation.objects.update(starts_at=timezone.now() - timedelta(minutes=20))

    tasks.keep_watch()

    assert not fresh(running).is_cancelled


def test_a_car_seen_long_after_its_end_overstays_and_is_told_once(running):
    matching.match(PLATE, timezone.now())
    ended(running, minutes_ago=11)

    tasks.keep_watch()
    unseen = fresh(running).overstay_told_at
    matching.match(PLATE, timezone.now())
    tasks.keep_watch()
    tasks.keep_watch()

    (letter,) = mail.outbox
    assert unseen is None
    assert fresh(running).overstay_told_at is not None
    assert letter.to == ["kim@example.com"]
    assert PLATE in letter.body


def test_a_car_that_leaves_late_but_not_too_late(running):
    matching.match(PLATE, timezone.now())
    ended(running, minutes_ago=9)

    matching.match(PLATE, timezone.now())
    tasks.keep_watch()

    assert fresh(running).overstay_told_at is None
