"""Bays out of service and closed days: whose reservations they hit, who is told."""

import logging

from django.db import transaction
from django.utils.translation import gettext as _

from charging import board, hours, mail
from charging.models import ChargingSession, Reservation

log = logging.getLogger(__name__)


def hit_by_outage(outage):
    """Return the live reservations of the bay that fall into its outage."""
    return Reservation.objects.live().filter(
        session=outage.session_id,
        starts_at__lt=outage.ends_at,
        ends_at__gt=outage.starts_at,
    )


def hit_by_closure(closure):
    """Return the live reservations on days on which the site is closed."""
    return Reservation.objects.live().filter(
        starts_at__lt=hours.day(closure.last_day).end,
        ends_at__gt=hours.day(closure.first_day).start,
    )


def declare_outage(outage):
    """Store an outage, write to everybody it hits, and return their reservations."""
    with transaction.atomic():
        # Waits for bookings of the bay that are under way, so that they are found.
        ChargingSession.objects.select_for_update().get(pk=outage.session_id)
        outage.save()
        board.bays_changed()
        return _tell(hit_by_outage(outage), outage.reason)


def declare_closure(closure):
    """Store a closure, write to everybody it hits, and return their reservations."""
    with transaction.atomic():
        closure.save()
        return _tell(hit_by_closure(closure), closure.reason)


def _tell(reservations, reason):
    hit = list(reservations.select_related("session").order_by("starts_at"))
    transaction.on_commit(lambda: [_write(reservation, reason) for reservation in hit])
    return hit


def _write(reservation, reason):
    if not reservation.contact_email:
        return
    text = _(
        "{bay} will be out of service during your reservation for {plate}, {when}."
    ).format(
        bay=reservation.session.name,
        plate=reservation.plate,
        when=mail.span(reservation.starts_at, reservation.ends_at),
    )
    try:
        mail.send(
            reservation.contact_email,
            _("Your charging bay is out of service"),
            f"{text}\n\n{reason}".strip(),
        )
    except OSError:
        log.exception("The letter about %s could not be sent", reservation.pk)
