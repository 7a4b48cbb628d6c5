"""Would a booking be possible: what stands against a plate or a bay."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from charging import booking, hours, plates
from charging.booking import LARGEST_NUMBER, UnknownBay
from charging.models import ChargingSession, Reservation

LONGEST = timedelta(hours=26)  # no reservation is longer than a day


def possible_window(date, start, end, *, is_staff=False):
    """Return the Window of a day within its opening times; raise BadWindow.

    What is over is impossible, too, but for staff.
    """
    window = hours.window(date, start, end)
    booking.check_clock([window], is_staff=is_staff)
    hours.opening_times(date).check(start, hours.last_minute(end))
    return window


def known_bay(number):
    """Return the number of a bay that exists, or None for None; raise UnknownBay."""
    if number is None:
        return None
    in_range = 0 <= number <= LARGEST_NUMBER
    if not in_range or not ChargingSession.objects.filter(pk=number).exists():
        raise UnknownBay
    return number


def conflict(*, bay, plate, window):
    """Return the reservation that stands against a plate, or None.

    In a window: one of the plate in any bay, or of anybody in the given bay. Without a
    window: any of the plate's that is not yet over. Of several the latest.
    """
    rows = Reservation.objects.live().order_by("-starts_at")
    of_the_plate = Q(plate_normalized=plates.normalise(plate))
    if window is None:
        return rows.filter(of_the_plate, ends_at__gt=timezone.now()).first()
    in_the_way = of_the_plate if bay is None else of_the_plate | Q(session=bay)
    return rows.filter(
        in_the_way,
        starts_at__lt=window.end,
        starts_at__gt=window.start - LONGEST,  # lets the index leave out the past
        ends_at__gt=window.start,
    ).first()


def refusal(bay, plate, date, window):
    """Return what else a booking of a bay's window would meet, or None: an outage."""
    if bay is None or window is None:
        return None
    found = booking.look(bay, plate, date, [window])
    return None if found[0].is_free else booking.refusal_of(bay, found)
