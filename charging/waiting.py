"""The waiting list: stand in line for a window that is taken, get it offered, accept.

An offer is a reservation that holds its half hours for CHARGING_OFFER_MINUTES. What
becomes of it otherwise is in `cancelling`.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from charging import booking, hours, mail, plates, verifying
from charging.models import Reservation, WaitingEntry
from config.errors import Conflict, DomainError, NotFound

log = logging.getLogger(__name__)

State = WaitingEntry.State
MOST_TRIED = 50  # entries looked at for one freed window


class UnknownEntry(NotFound):
    """There is no such entry on the waiting list."""

    code = "unknown_entry"


class FreeAlready(Conflict):
    """This time is free; book it instead of waiting."""

    code = "free_already"


class WaitsAlready(Conflict):
    """This plate is already waiting for this time."""

    code = "waits_already"


class OfferGone(Conflict):
    """This offer has ended."""

    code = "offer_gone"


def join(*, bay, driver, date, start, end):
    """Stand in line for a window of a bay (None: any); return the WaitingEntry.

    Raises as booking.reserve() for what cannot be booked at all, FreeAlready, or
    WaitsAlready.
    """
    bay = verifying.known_bay(bay)
    window = hours.window(date, start, end)
    found = booking.look(bay, driver.plate, date, [window])
    if not found:
        raise booking.UnknownBay
    booking.check_hours([window], date, found[0])
    booking.check_clock([window], is_staff=driver.is_staff)
    if any(place.is_free for place in found):
        raise FreeAlready
    if found[0].plate_is_busy:
        raise booking.PlateBusy
    try:
        with transaction.atomic():
            return WaitingEntry.objects.create(
                session_id=bay,
                owner=driver.user,
                plate=driver.plate,
                plate_normalized=plates.normalise(driver.plate),
                contact_email=driver.contact_email,
                starts_at=window.start,
                ends_at=window.end,
                language=get_language() or settings.LANGUAGE_CODE,
            )
    except IntegrityError as error:
        raise WaitsAlready from error


def find(id):
    """Return the entry of an id, which is its secret; raise UnknownEntry."""
    entry = WaitingEntry.objects.select_related("offer").filter(pk=id).first()
    if entry is None:
        raise UnknownEntry
    return entry


def accept(entry):
    """Make the offer a reservation like any other and return it; raise OfferGone."""
    now = timezone.now()
    with transaction.atomic():
        kept = (
            Reservation.objects.live()
            .filter(pk=entry.offer_id, held_until__gt=now)
            .update(held_until=None, updated_at=now)
        )
        if not kept:
            raise OfferGone
        WaitingEntry.objects.filter(pk=entry.pk).update(state=State.TAKEN)
    return Reservation.objects.get(pk=entry.offer_id)


def offer_freed(bay, window):
    """Offer a freed window to the first in line whom it suits.

    Within the caller's transaction, so that nobody else gets it before.
    """
    entries = standing_in_line().filter(
        Q(session=None) | Q(session=bay),
        starts_at__lt=window.end,
        ends_at__gt=window.start,
    )
    for entry in entries[:MOST_TRIED]:
        offer(entry, bay)


def offer_all():
    """Offer whatever is free by now to those who wait for it."""
    for entry in standing_in_line():
        offer(entry, entry.session_id)


def standing_in_line():
    """Return who waits for what is not over, in the order they came."""
    return WaitingEntry.objects.filter(state=State.WAITING, ends_at__gt=timezone.now())


def offer(entry, bay):
    """Hold the entry's window in a bay (None: any) for its driver, if it is free."""
    date = hours.today(entry.starts_at)
    start, end = hours.minutes(hours.Window(entry.starts_at, entry.ends_at), date)
    with transaction.atomic():
        # Somebody else may be making an offer to the same entry.
        claimed = WaitingEntry.objects.filter(pk=entry.pk, state=State.WAITING)
        if not claimed.select_for_update(skip_locked=True).exists():
            return
        try:
            reservation = booking.reserve(
                bay=bay,
                driver=booking.Driver(entry.plate, entry.owner, entry.contact_email),
                date=date,
                start=start,
                end=end,
                held_until=timezone.now()
                + timedelta(minutes=settings.CHARGING_OFFER_MINUTES),
            )
        except DomainError:
            return  # still taken, or not bookable any more
        claimed.update(state=State.OFFERED, offer=reservation, told_at=None)


def tell():
    """Write to everybody who has an offer and was not told of it."""
    untold = WaitingEntry.objects.filter(state=State.OFFERED, told_at=None)
    for entry in untold.select_related("offer__session"):
        if not untold.filter(pk=entry.pk).update(told_at=timezone.now()):
            continue  # another worker has it
        try:
            with override(entry.language):
                _write_to(entry)
        except OSError:
            log.exception("The offer %s could not be mailed", entry.pk)
            WaitingEntry.objects.filter(pk=entry.pk).update(told_at=None)


def _write_to(entry):
    mail.send(
        entry.contact_email,
        _("A charging bay is free for you"),
        _(
            "{bay} is free for {plate}: {when}.\n\n"
            "It is kept for you until {until}. Accept the offer before that, with this "
            "number:\n{id}"
        ).format(
            bay=entry.offer.session.name,
            plate=entry.plate,
            when=mail.span(entry.starts_at, entry.ends_at),
            until=f"{hours.local(entry.offer.held_until):%H:%M}",
            id=entry.pk,
        ),
    )
