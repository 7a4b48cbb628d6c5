"""The waiting list: in line, offered, accepted, lapsed."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from charging import booking, cancelling, tasks, waiting
from charging.models import Reservation, WaitingEntry
from tests.charging.bookings import DAY, body, booked
from tests.charging.test_booking import at_once, slots_fit

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/charging/api/waiting"
STATE = WaitingEntry.State


def wait(plate="77가7777", bay=1, start=10, hours=1):
    return waiting.join(
        bay=bay,
        driver=booking.Driver(plate, None, "waits@example.com"),
        date=DAY,
        start=int(start * 60),
        end=int((start + hours) * 60),
    )


def cancel(reservation):
    cancelling.cancel(Reservation.objects.all(), reservation.pk)


def state_of(entry):
    return WaitingEntry.objects.get(pk=entry.pk).state


def let_offers_run_out():
    held = Reservation.objects.filter(held_until__isnull=False)
    held.update(held_until=timezone.now())


def test_a_freed_window_goes_to_the_first_in_line():
    holder = booked()
    first, second = wait("77가7777"), wait("88나8888")

    cancel(holder)

    first.refresh_from_db()
    minutes = (first.offer.held_until - timezone.now()).total_seconds() / 60
    assert (first.state, state_of(second)) == (STATE.OFFERED, STATE.WAITING)
    assert first.offer.plate == "77가7777"
    assert 9.9 < minutes <= 10
    with pytest.raises(booking.SlotTaken):
        booked(plate="99하9999")


def test_the_offer_is_told_by_mail_once():
    holder, entry = booked(), wait()
    cancel(holder)

    tasks.keep_watch()
    tasks.keep_watch()

    (letter,) = mail.outbox
    assert letter.to == ["waits@example.com"]
    assert str(entry.pk) in letter.body
    assert "2031-03-10 10:00 – 11:00" in letter.body


def test_an_accepted_offer_stays():
    holder, entry = booked(), wait()
    cancel(holder)

    reservation = waiting.accept(waiting.find(entry.pk))
    tasks.keep_watch()

    assert reservation.held_until is None
    assert state_of(entry) == STATE.TAKEN
    assert Reservation.objects.live().get() == reservation


def test_an_offer_that_lapses_goes_to_the_next():
    holder = booked()
    first, second = wait("77가7777"), wait("88나8888")
    cancel(holder)
    let_offers_run_out()

    tasks.keep_watch()

    assert (state_of(first), state_of(second)) == (STATE.LAPSED, STATE.OFFERED)
    assert Reservation.objects.live().get().plate == "88나8888"
    with pytest.raises(waiting.OfferGone):
        waiting.accept(waiting.find(first.pk))
    assert slots_fit()


def test_accepting_and_lapsing_at_once_have_one_outcome():
    holder = booked()
    entry, following = wait("77가7777"), wait("88나8888")
    cancel(holder)
    Reservation.objects.filter(held_until__isnull=False).update(
        held_until=timezone.now() + timedelta(milliseconds=30)
    )

    at_once(
        [lambda: waiting.accept(waiting.find(entry.pk))] * 4
        + [cancelling.lapse_offers] * 4
    )
    let_offers_run_out()
    cancelling.lapse_offers()

    taken = state_of(entry) == STATE.TAKEN
    assert state_of(entry) in (STATE.TAKEN, STATE.LAPSED)
    assert (state_of(following) == STATE.WAITING) == taken
    assert slots_fit()


def test_who_withdraws_makes_room():
    holder = booked()
    first, second = wait("77가7777"), wait("88나8888")
    cancel(holder)

    cancelling.withdraw(waiting.find(first.pk))

    assert (state_of(first), state_of(second)) == (STATE.WITHDRAWN, STATE.OFFERED)


def test_cancelling_an_offer_like_any_reservation_makes_room():
    holder = booked()
    first, second = wait("77가7777"), wait("88나8888")
    cancel(holder)

    cancel(WaitingEntry.objects.get(pk=first.pk).offer)

    assert (state_of(first), state_of(second)) == (STATE.WITHDRAWN, STATE.OFFERED)


def test_only_a_window_that_is_wholly_free_is_offered():
    booked(start=11, plate="22나2222")
    holder = booked(start=10)
    long, short = wait("77가7777", hours=2), wait("88나8888")

    cancel(holder)

    assert (state_of(long), state_of(short)) == (STATE.WAITING, STATE.OFFERED)


def test_any_bay_will_do_for_some():
    holders = [booked(bay=bay, plate=f"{bay}0가0000") for bay in (1, 2, 3, 4)]
    entry = wait(bay=None)

    cancel(holders[2])

    assert WaitingEntry.objects.get(pk=entry.pk).offer.session_id == 3


def test_the_beat_offers_what_became_free_unseen():
    holder, entry = booked(), wait()
    holder.slots.all().delete()
    Reservation.objects.all().delete()

    tasks.keep_watch()

    assert state_of(entry) == STATE.OFFERED


def test_what_cannot_be_waited_for():
    booked()
    wait()

    with pytest.raises(waiting.WaitsAlready):
        wait()
    with pytest.raises(waiting.FreeAlready):
        wait("88나8888", bay=2)
    with pytest.raises(booking.PlateBusy):
        wait("12가3456")
    with pytest.raises(booking.UnknownBay):
        wait("88나8888", bay=9)


def test_over_http(api):
    holder = booked()
    wish = body(plate="77가7777", contactEmail="Waits@Example.com")

    joined = api().post(PATH, wish)
    path = f"{PATH}/{joined.json()['id']}"
    early = api().post(f"{path}/accept")
    cancel(holder)
    offered = api().get(path).json()
    accepted = api().post(f"{path}/accept")

    assert joined.status_code == 201
    assert (joined.json()["state"], joined.json()["offer"]) == ("waiting", None)
    assert joined.json()["contactEmail"] == "waits@example.com"
    assert early.status_code == 409
    assert offered["state"] == "offered"
    assert accepted.json() == offered["offer"]
    assert api().get(path).json()["state"] == "taken"


def test_over_http_one_leaves_and_others_know_nothing(api):
    booked()
    wish = body(plate="77가7777", contactEmail="waits@example.com")
    path = f"{PATH}/{api().post(PATH, wish).json()['id']}"

    assert api().post(PATH, body(plate="88나8888")).status_code == 422
    for bay in (9, 2**31, 10**30):
        beyond = {**wish, "sessionId": bay, "startTime": "10:10"}
        assert api().post(PATH, beyond).status_code == 404
    assert api().post(PATH, {**wish, "contactEmail": " "}).status_code == 422
    assert api().get(f"{PATH}/x").status_code == 404
    assert api().get(f"{PATH}/{DAY}").status_code == 404
    assert api().delete(path).json() == {"ok": True}
    assert api().get(path).json()["state"] == "withdrawn"
