"""Give half hours back: cancel, withdraw from the line, let go what nobody came for.

The row of a cancelled reservation stays, with who, when and why; its half hours go, and
are offered to whoever waits for them.
"""

from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from charging import board, waiting
from charging.booking import retried
from charging.hours import Window
from charging.models import ChargingSession, Reservation, Status, WaitingEntry
from config.errors import NotFound

State = WaitingEntry.State


class UnknownReservation(NotFound):
    """There is no such reservation."""

    code = "unknown_reservation"


@retried
def cancel(rows, id, *, by=None, reason="", entry_state=State.WITHDRAWN):
    """Cancel the live reservation of this id among `rows`; raise UnknownReservation.

    An offer's entry on the waiting list goes to `entry_state`.
    """
    now = timezone.now()
    with transaction.atomic():
        reservation = rows.live().filter(pk=id).first()
        if reservation is None:
            raise UnknownReservation
        # The bay first, as a booking does.
        bays = ChargingSession.objects.select_for_update(no_key=True)
        bays.get(pk=reservation.session_id)
        cancelled = rows.live().filter(pk=id)
        if not cancelled.update(
            status=Status.CANCELLED,
            cancelled_at=now,
            cancelled_by=by,
            cancel_reason=reason,
            held_until=None,
            updated_at=now,
        ):
            raise UnknownReservation
        reservation.slots.all().delete()
        WaitingEntry.objects.filter(offer=reservation, state=State.OFFERED).update(
            state=entry_state
        )
        reservation.status = Status.CANCELLED
        board.freed([reservation])
        waiting.offer_freed(
            reservation.session_id, Window(reservation.starts_at, reservation.ends_at)
        )


def withdraw(entry):
    """Leave the line; an offer that was made goes to the next in line."""
    with transaction.atomic():
        WaitingEntry.objects.filter(
            pk=entry.pk, state__in=[State.WAITING, State.OFFERED]
        ).update(state=State.WITHDRAWN)
    if entry.offer_id:
        _cancel_quietly(
            Reservation.objects.filter(held_until__isnull=False),
            entry.offer_id,
            "offer withdrawn",
        )


def lapse_offers():
    """Take back every offer that was not accepted in time."""
    late = Reservation.objects.live().filter(held_until__lte=timezone.now())
    for id in late.values_list("pk", flat=True):
        # Asked again under the lock: it may be accepted at this moment.
        _cancel_quietly(late, id, "offer lapsed")


def release_no_shows():
    """Cancel what nobody came for within CHARGING_NO_SHOW_MINUTES (0: never)."""
    if not settings.CHARGING_NO_SHOW_MINUTES:
        return
    now = timezone.now()
    missed = Reservation.objects.live().filter(
        checked_in_at=None,
        starts_at__lte=now - timedelta(minutes=settings.CHARGING_NO_SHOW_MINUTES),
        ends_at__gt=now,
    )
    for id in missed.values_list("pk", flat=True):
        _cancel_quietly(missed, id, "no-show")


def _cancel_quietly(rows, id, reason):
    # Unknown: cancelled, accepted or checked in to meanwhile.
    with suppress(UnknownReservation):
        cancel(rows, id, reason=reason, entry_state=State.LAPSED)
