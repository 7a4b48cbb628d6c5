"""Cars at the bays: check in, be seen again, overstay."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from charging import board, mail
from charging.models import Reservation, WaitingEntry

# A camera's clock may differ; a sighting further away is a look into past or future.
PRESENT = timedelta(minutes=10)
LINGERS = timedelta(hours=12)  # for so long after its end a car counts as still there


def arrive(reservation, moment):
    """Note that the reservation's car is seen; the first time checks it in."""
    first = Reservation.objects.live().filter(pk=reservation.pk, checked_in_at=None)
    with transaction.atomic():
        if first.update(checked_in_at=moment, last_seen_at=moment, held_until=None):
            # Who comes has accepted what was offered.
            WaitingEntry.objects.filter(
                offer=reservation, state=WaitingEntry.State.OFFERED
            ).update(state=WaitingEntry.State.TAKEN)
            board.changed([reservation])
        else:
            _seen(Reservation.objects.live().filter(pk=reservation.pk), moment)


def linger(plate, moment):
    """Note that a car is seen after the end of its stay."""
    stays = Reservation.objects.live().filter(
        plate_normalized=plate,
        checked_in_at__isnull=False,
        ends_at__lte=moment,
        ends_at__gt=moment - LINGERS,
    )
    latest = stays.order_by("-ends_at").values("pk")[:1]
    _seen(Reservation.objects.filter(pk__in=latest), moment)


def _seen(rows, moment):
    rows.filter(Q(last_seen_at=None) | Q(last_seen_at__lt=moment)).update(
        last_seen_at=moment
    )


def note_overstays():
    """Tell boards and drivers, once each, of cars seen long after their end."""
    late = timedelta(minutes=settings.CHARGING_OVERSTAY_MINUTES)
    overstays = Reservation.objects.live().filter(
        overstay_told_at=None, last_seen_at__gte=F("ends_at") + late
    )
    for reservation in overstays.select_related("session"):
        with transaction.atomic():
            rows = overstays.filter(pk=reservation.pk)
            if not rows.update(overstay_told_at=timezone.now()):
                continue  # another worker tells it
            board.changed([reservation])
        if reservation.contact_email:
            mail.send(
                reservation.contact_email,
                _("Your charging time is over"),
                _("{plate} is still at {bay}; its time was {when}.").format(
                    plate=reservation.plate,
                    bay=reservation.session.name,
                    when=mail.span(reservation.starts_at, reservation.ends_at),
                ),
            )
