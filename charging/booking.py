"""Book a bay: one window, or a batch of them, all or nothing.

No two reservations can overlap, in a bay or of a plate: each holds a row for every half
hour, and the database keeps those unique. A booking is one statement that stores all of
it or tells why not, so that no lock waits for this process to get its turn. It locks
the bay's row first, shared with other bookings, and inserts half hours in the order of
time: two bookings wait for each other in one direction only.
"""

import functools
import random
import time
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from charging import board, hours, plates, statements
from charging.models import Reservation
from config.errors import Conflict, DomainError, NotFound

BATCH_LENGTH = timedelta(hours=1)
TRIES = 6
# Serialization failure and deadlock: the database undid one side of a race.
TRY_AGAIN = {"40001", "40P01"}
LARGEST_NUMBER = 2**31 - 1  # of the bay's column


class UnknownBay(NotFound):
    """There is no such charging bay."""

    code = "unknown_session"


class SlotTaken(Conflict):
    """This bay is already reserved at that time."""

    code = "slot_taken"


class PlateBusy(Conflict):
    """This plate already has a reservation at that time."""

    code = "plate_busy"


class OutOfService(Conflict):
    """This bay is out of service at that time."""

    code = "out_of_service"


class NothingFree(Conflict):
    """No bay is free at that time."""

    code = "nothing_free"


class SelfOverlap(Conflict):
    """The chosen times overlap each other."""

    code = "self_overlap"


KEEPING_APART = {"charging_one_car_a_bay", "charging_one_bay_a_car"}


@dataclass(frozen=True)
class Driver:
    """Who books: the account (None for a guest), the car, an address to write to."""

    plate: str
    user: object = None
    contact_email: str | None = None

    @property
    def is_staff(self):
        return self.user is not None and self.user.is_staff


def retried(function):
    """Call again what the database undid to end a deadlock.

    Not inside a transaction: that is undone as a whole, and called again by its owner.
    """

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for attempt in range(1, TRIES + 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                state = getattr(error.__cause__, "sqlstate", None)
                last = attempt == TRIES or connection.in_atomic_block
                if last or state not in TRY_AGAIN:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))

    return wrapper


@retried
def reserve(*, bay, driver, date, start, end, held_until=None):
    """Book a bay (None: any free one) between two minutes of a local day.

    Returns the Reservation, committed unless the caller holds a transaction open.
    Raises UnknownBay, BadWindow, SlotTaken, PlateBusy, OutOfService or NothingFree, in
    this order of precedence.
    """
    return _book(
        bay, driver, date, lambda: [hours.window(date, start, end)], held_until
    )[0]


@retried
def reserve_batch(*, bay, driver, date, starts):
    """Book an hour from each of the starts, all in one bay, or nothing at all.

    Returns the Reservations by start. Raises as reserve(), and SelfOverlap.
    """

    def windows():
        return [hours.lasting(BATCH_LENGTH, date, start) for start in sorted(starts)]

    return _book(bay, driver, date, windows, None)


def _book(bay, driver, date, make_windows, held_until):
    windows, refusal = [], None
    try:
        windows = make_windows()
        check_clock(windows, is_staff=driver.is_staff)
    except DomainError as error:
        refusal = error
    if bay is not None and not 0 <= bay <= LARGEST_NUMBER:
        raise UnknownBay
    for _attempt in range(TRIES):
        if refusal or bay is None:
            found = look(bay, driver.plate, date, windows)
        else:
            found, made = attempt(bay, driver, date, windows, held_until)
            if made:
                return made
        if not found:
            raise UnknownBay
        if windows:
            check_hours(windows, date, found[0])
        if refusal:
            raise refusal
        candidates = [place for place in found if place.is_free]
        if not candidates:
            raise refusal_of(bay, found)
        for place in candidates:
            _found, made = attempt(place.id, driver, date, windows, held_until)
            if made:
                return made
    raise NothingFree if bay is None else SlotTaken


def look(bay, plate, date, windows):
    """Return what a bay (None: each of them) is like for a plate at these times."""
    return statements.look({"bay": bay, **wishes(plate, date, windows)})


def wishes(plate, date, windows):
    """Return what both statements are told of a booking."""
    return {
        "plate": plates.normalise(plate),
        "date": date,
        "weekday": date.weekday(),
        "starts": [window.start for window in windows],
        "ends": [window.end for window in windows],
        "slots": [slot for window in windows for slot in window.slots()],
    }


def check_hours(windows, date, place):
    """Raise BadWindow when the site is closed in a window."""
    times = hours.OpeningTimes.of(place.opens, place.closes, place.is_closed)
    for window in windows:
        times.check(*hours.minutes(window, date))


def check_clock(windows, *, is_staff):
    """Raise BadWindow for what is over, which staff may enter, or SelfOverlap."""
    now = timezone.now()
    if not is_staff and any(window.end <= now for window in windows):
        raise hours.BadWindow(_("This time is already over."))
    if any(one.overlaps(other) for one, other in pairwise(windows)):
        raise SelfOverlap


def refusal_of(bay, found):
    """Return why none of the bays that look() found can be had."""
    if any(place.plate_is_busy for place in found):
        return PlateBusy()
    if bay is None:
        return NothingFree()
    return SlotTaken() if found[0].is_taken else OutOfService()


def attempt(bay, driver, date, windows, held_until=None):
    """Store a reservation for each window, if nothing is in the way.

    Returns what was found, a list of one Place or of none, and the reservations.
    """
    now = timezone.now()
    wish = wishes(driver.plate, date, windows)
    ids = [uuid.uuid4() for _window in windows]
    spans = [hours.minutes(window, date) for window in windows]
    first, last = min(start for start, _end in spans), max(end for _start, end in spans)
    values = {
        **wish,
        "bay": bay,
        "first": first,
        "last": last,
        "in_default_hours": first >= settings.BUSINESS_OPEN
        and last <= settings.BUSINESS_CLOSE,
        "owner": driver.user and driver.user.pk,
        "typed": driver.plate,
        "email": driver.contact_email,
        "now": now,
        "held": held_until,
        "ids": ids,
        "slot_of": [
            id
            for id, window in zip(ids, windows, strict=True)
            for _slot in window.slots()
        ],
    }
    try:
        with undone_alone():
            place, is_stored = statements.store(values)
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name in KEEPING_APART:
            return look(bay, driver.plate, date, windows), []  # lost a race
        raise
    if not is_stored:
        return [place] if place else [], []
    reservations = [
        Reservation(
            id=id,
            session_id=bay,
            owner=driver.user,
            plate=driver.plate,
            plate_normalized=wish["plate"],
            contact_email=driver.contact_email,
            starts_at=window.start,
            ends_at=window.end,
            created_at=now,
            updated_at=now,
            held_until=held_until,
        )
        for id, window in zip(ids, windows, strict=True)
    ]
    for reservation in reservations:
        reservation._state.adding = False
    board.taken(reservations)
    return [place], reservations


def undone_alone():
    """Return what keeps a failing statement from spoiling a transaction around it."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()
