"""Booking: what is refused, in which order, and that races leave one winner."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from charging import booking, cancelling
from charging.hours import BadWindow
from charging.models import (
    BusinessHours,
    ChargingSession,
    Closure,
    Outage,
    Reservation,
    ReservationSlot,
)
from config.errors import DomainError
from tests.charging.bookings import DAY, booked

pytestmark = pytest.mark.django_db(transaction=True)


def overlaps():
    """Count pairs of live reservations that share a bay or a plate and some time."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT count(*) FROM charging_reservation a JOIN charging_reservation b
            ON a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
              AND (a.session_id = b.session_id
                OR a.plate_normalized = b.plate_normalized)
            WHERE a.status = 'CONFIRMED' AND b.status = 'CONFIRMED'""")
        return cursor.fetchone()[0]


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("""
            SELECT deadlocks FROM pg_stat_database
            WHERE datname = current_database()""")
        return cursor.fetchone()[0]


def at_once(works):
    """Run each work in a thread with a connection of its own; return the outcomes."""
    ready = threading.Barrier(len(works))

    def run(work):
        connection.ensure_connection()
        ready.wait(10)
        try:
            return work()
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def slots_fit():
    """Tell whether the half hours held are just those of the live reservations."""
    wanted = {
        (r.session_id, r.plate_normalized, r.starts_at + timedelta(minutes=30 * n))
        for r in Reservation.objects.live()
        for n in range((r.ends_at - r.starts_at) // timedelta(minutes=30))
    }
    held = ReservationSlot.objects.values_list(
        "session", "plate_normalized", "slot_start"
    )
    return sorted(held) == sorted(wanted)


# Races


def test_one_bay_has_one_winner():
    outcomes = at_once([lambda n=n: booked(plate=f"{n:02}가1234") for n in range(16)])

    assert outcomes.count("slot_taken") == 15
    assert Reservation.objects.count() == 1
    assert slots_fit()


def test_one_plate_has_one_bay():
    for round in range(5):
        start = 9 + 2 * round
        works = [
            lambda n=n, start=start: booked(bay=1 + n % 4, start=start + 0.5 * (n % 2))
            for n in range(16)
        ]

        outcomes = at_once(works)

        assert sum(isinstance(o, Reservation) for o in outcomes) >= 1
        assert {o for o in outcomes if isinstance(o, str)} <= {
            "plate_busy",
            "slot_taken",
        }
    assert overlaps() == 0
    assert slots_fit()


def test_crossing_batches_end_without_a_deadlock():
    before = deadlocks()
    starts = [600, 660, 720, 780, 840, 900]

    def batch(bay, plate, order):
        def work():
            return booking.reserve_batch(
                bay=bay, driver=booking.Driver(plate), date=DAY, starts=order
            )

        return work

    for round in range(8):
        chance = random.Random(round)
        Reservation.objects.all().delete()
        at_once(
            [
                batch(
                    chance.randint(1, 2),
                    chance.choice(["11가1111", "22나2222", "33다3333"]),
                    chance.sample(starts, 4),
                )
                for _ in range(12)
            ]
        )
        assert overlaps() == 0
        assert slots_fit()
        assert Reservation.objects.count() % 4 == 0
    assert deadlocks() == before


def test_booking_and_cancelling_at_once_keep_bays_whole():
    made = [booked(bay=bay, plate=f"{bay}1가1111") for bay in (1, 2, 3, 4)]
    cancels = [
        lambda r=r: cancelling.cancel(Reservation.objects.all(), r.pk)
        for r in made
        for _ in range(2)
    ]
    bookings = [
        lambda n=n: booked(bay=1 + n % 4, plate=f"{n:02}나2222") for n in range(8)
    ]

    outcomes = at_once(cancels + bookings)

    assert outcomes[:8].count("unknown_reservation") == 4
    assert overlaps() == 0
    assert slots_fit()


def test_any_free_bay_fills_them_all():
    outcomes = at_once(
        [lambda n=n: booked(bay=None, plate=f"{n:02}가1234") for n in range(12)]
    )

    bays = sorted(o.session_id for o in outcomes if isinstance(o, Reservation))
    assert bays == [1, 2, 3, 4]
    assert outcomes.count("nothing_free") == 8


# Refusals


def test_a_batch_is_all_or_nothing():
    booked(start=15)

    with pytest.raises(booking.SlotTaken):
        booking.reserve_batch(
            bay=1, driver=booking.Driver("99가9999"), date=DAY, starts=[600, 840, 900]
        )

    assert Reservation.objects.count() == 1
    assert slots_fit()


def test_an_unknown_bay_comes_before_a_bad_window():
    for bay in (0, 5, -1, 10**30):
        with pytest.raises(booking.UnknownBay):
            booked(bay=bay, start=3)


def test_a_bad_window_comes_before_a_conflict():
    booked(start=10)

    with pytest.raises(BadWindow):
        booked(start=10.25)
    with pytest.raises(BadWindow):
        booked(start=8)


def test_what_is_over_is_for_staff(staff):
    yesterday = timezone.now().date() - timedelta(days=2)

    with pytest.raises(BadWindow):
        booked(day=yesterday)
    assert booked(day=yesterday, user=staff).owner == staff


def test_business_hours_of_a_weekday():
    BusinessHours.objects.create(weekday=DAY.weekday(), opens=12 * 60, closes=14 * 60)

    assert booked(start=12, hours=2)
    with pytest.raises(BadWindow, match="12:00 to 14:00"):
        booked(start=11.5, bay=2, plate="99가9999")
    assert booked(start=10, day=DAY + timedelta(days=1))


def test_open_until_midnight():
    BusinessHours.objects.create(weekday=DAY.weekday(), opens=0, closes=24 * 60)

    assert booked(start=23, hours=1)
    with pytest.raises(BadWindow):
        booking.reserve_batch(
            bay=2, driver=booking.Driver("99가9999"), date=DAY, starts=[1410]
        )


def test_a_closed_weekday_and_a_holiday():
    BusinessHours.objects.create(weekday=DAY.weekday(), opens=600, closes=600)
    Closure.objects.create(first_day=date(2031, 5, 5), last_day=date(2031, 5, 6))

    for day in (DAY, date(2031, 5, 5), date(2031, 5, 6)):
        with pytest.raises(BadWindow, match="closed"):
            booked(day=day)
    assert booked(day=date(2031, 5, 7))


def test_a_bay_out_of_service():
    start = booked(start=10).starts_at
    Outage.objects.create(
        session_id=2, starts_at=start, ends_at=start + timedelta(minutes=45)
    )

    with pytest.raises(booking.OutOfService):
        booked(bay=2, plate="99가9999", start=10.5)
    assert booked(bay=2, plate="99가9999", start=11)
    assert booked(bay=None, plate="98가9999", start=10).session_id == 3


def test_any_bay_needs_one_for_the_whole_batch():
    for bay in (1, 2, 3):
        booked(bay=bay, plate=f"{bay}0가0000", start=10 + bay)
    driver = booking.Driver("99가9999")

    made = booking.reserve_batch(
        bay=None, driver=driver, date=DAY, starts=[660, 720, 780]
    )

    assert [r.session_id for r in made] == [4, 4, 4]
    assert [r.starts_at.hour for r in made] == [2, 3, 4]


def test_any_bay_where_the_plate_is_busy():
    booked(bay=1)

    with pytest.raises(booking.PlateBusy):
        booked(bay=None)


def test_a_bay_may_go_and_its_reservations_keep_it():
    ChargingSession.objects.filter(pk=4).delete()

    with pytest.raises(booking.UnknownBay):
        booked(bay=4)


def test_a_cancelled_window_is_free_again():
    reservation = booked()

    cancelling.cancel(Reservation.objects.all(), reservation.pk, reason="ill")

    reservation.refresh_from_db()
    assert (reservation.status, reservation.cancel_reason) == ("CANCELLED", "ill")
    assert reservation.cancelled_at is not None
    assert booked(plate="99가9999")


def test_the_database_plans_a_booking_once():
    for hour in range(8):  # it would plan five times before it thinks of keeping one
        booked(start=10 + hour)

    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(custom_plans) FROM pg_prepared_statements")
        assert cursor.fetchone()[0] == 0
