"""Book a bay: one window, or a batch of them, all or nothing.

No two reservations can overlap, in a bay or of a plate: each holds a row for every half
hour, and the database keeps those unique. A booking is one look, which refuses what is
plainly impossible without locking anything, and one statement that stores all of it.
The statement locks the bay's row first and inserts half hours in the order of time, so
that two bookings wait for each other in one direction only. It is a single statement
because the lock then never waits for this process to get its turn.
"""

import functools
import random
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from charging import board, hours, plates
from charging.models import Reservation
from config.errors import Conflict, NotFound

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


REFUSED_BY = {  # a constraint of the database, and what it means
    "charging_one_car_a_bay": SlotTaken,
    "charging_one_bay_a_car": PlateBusy,
}


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
        length = BATCH_LENGTH // timedelta(minutes=1)
        return [hours.window(date, start, start + length) for start in sorted(starts)]

    return _book(bay, driver, date, windows, None)


def _book(bay, driver, date, make_windows, held_until):
    try:
        windows, refusal = make_windows(), None
    except hours.BadWindow as error:
        windows, refusal = [], error
    found = look(bay, driver.plate, date, windows)
    if bay is not None and not found:
        raise UnknownBay
    if refusal:
        raise refusal
    check(windows, date, found, driver)
    for one, other in pairwise(windows):
        if one.overlaps(other):
            raise SelfOverlap
    candidates = [place for place in found if place.is_free]
    if not candidates:
        raise refusal_of(bay, found)
    for place in candidates:
        try:
            # A bay lost at the last moment must not spoil a transaction around us.
            if connection.in_atomic_block:
                with transaction.atomic():
                    return store(place.id, driver, windows, held_until)
            return store(place.id, driver, windows, held_until)
        except SlotTaken:
            if place is candidates[-1]:
                raise NothingFree if bay is None else SlotTaken from None


@dataclass(frozen=True)
class Place:
    """A bay as look() found it."""

    id: int
    opens: int | None
    closes: int | None
    is_closed: bool
    is_out: bool
    is_taken: bool
    plate_is_busy: bool

    @property
    def is_free(self):
        return not (self.is_out or self.is_taken or self.plate_is_busy)


LOOK = """
SELECT bay.id, hours.opens, hours.closes,
  EXISTS (
    SELECT FROM charging_closure
    WHERE %(date)s BETWEEN first_day AND last_day),
  EXISTS (
    SELECT FROM charging_outage outage,
      unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS w(s, e)
    WHERE outage.session_id = bay.id AND outage.starts_at < w.e
      AND outage.ends_at > w.s),
  EXISTS (
    SELECT FROM charging_reservationslot
    WHERE session_id = bay.id AND slot_start = ANY(%(slots)s::timestamptz[])),
  EXISTS (
    SELECT FROM charging_reservationslot
    WHERE plate_normalized = %(plate)s AND slot_start = ANY(%(slots)s::timestamptz[]))
FROM charging_chargingsession bay
LEFT JOIN charging_businesshours hours ON hours.weekday = %(weekday)s
WHERE %(bay)s::int IS NULL OR bay.id = %(bay)s::int
ORDER BY bay.id
"""


def look(bay, plate, date, windows):
    """Return the Place of a bay, or of all of them; [] when there is none.

    Locks nothing, so what it saw free may be taken a moment later.
    """
    if bay is not None and not 0 <= bay <= LARGEST_NUMBER:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            LOOK,
            {
                "bay": bay,
                "plate": plates.normalise(plate),
                "date": date,
                "weekday": date.weekday(),
                "starts": [window.start for window in windows],
                "ends": [window.end for window in windows],
                "slots": [slot for window in windows for slot in window.slots()],
            },
        )
        return [Place(*row) for row in cursor.fetchall()]


def check(windows, date, found, driver):
    """Raise BadWindow when the site is closed then, or it is over already.

    Staff may enter what is over.
    """
    for place in found[:1]:
        times = hours.OpeningTimes.of(place.opens, place.closes, place.is_closed)
        for window in windows:
            times.check(*hours.minutes(window, date))
    now = timezone.now()
    if not driver.is_staff and any(window.end <= now for window in windows):
        raise hours.BadWindow(_("This time is already over."))


def refusal_of(bay, found):
    """Return why none of the bays that look() found can be had."""
    if any(place.plate_is_busy for place in found):
        return PlateBusy()
    if bay is None:
        return NothingFree()
    return SlotTaken() if found[0].is_taken else OutOfService()


STORE = """
WITH bay AS (
  SELECT id FROM charging_chargingsession WHERE id = %(bay)s FOR NO KEY UPDATE
), made AS (
  INSERT INTO charging_reservation (
    id, session_id, owner_id, plate, plate_normalized, contact_email,
    starts_at, ends_at, created_at, updated_at, status, cancel_reason, held_until)
  SELECT new.id, bay.id, %(owner)s::uuid, %(plate)s, %(normalised)s, %(email)s,
    new.s, new.e, %(now)s, %(now)s, 'CONFIRMED', '', %(held)s::timestamptz
  FROM bay,
    unnest(%(ids)s::uuid[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
      AS new(id, s, e)
)
INSERT INTO charging_reservationslot
  (reservation_id, session_id, plate_normalized, slot_start)
SELECT new.id, bay.id, %(normalised)s, new.slot
FROM bay, unnest(%(slot_of)s::uuid[], %(slots)s::timestamptz[]) AS new(id, slot)
ORDER BY new.slot
"""


def store(bay, driver, windows, held_until=None):
    """Insert a reservation for each window; raise SlotTaken or PlateBusy."""
    now = timezone.now()
    normalised = plates.normalise(driver.plate)
    reservations = [
        Reservation(
            id=uuid.uuid4(),
            session_id=bay,
            owner=driver.user,
            plate=driver.plate,
            plate_normalized=normalised,
            contact_email=driver.contact_email,
            starts_at=window.start,
            ends_at=window.end,
            created_at=now,
            updated_at=now,
            held_until=held_until,
        )
        for window in windows
    ]
    held = [
        (reservation.id, slot)
        for reservation, window in zip(reservations, windows, strict=True)
        for slot in window.slots()
    ]
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                STORE,
                {
                    "bay": bay,
                    "owner": driver.user and driver.user.pk,
                    "plate": driver.plate,
                    "normalised": normalised,
                    "email": driver.contact_email,
                    "now": now,
                    "held": held_until,
                    "ids": [r.id for r in reservations],
                    "starts": [w.start for w in windows],
                    "ends": [w.end for w in windows],
                    "slot_of": [id for id, _slot in held],
                    "slots": [slot for _id, slot in held],
                },
            )
            if not cursor.rowcount:
                raise UnknownBay  # it went since the look
    except IntegrityError as error:
        refusal = REFUSED_BY.get(error.__cause__.diag.constraint_name)
        if refusal is None:
            raise
        raise refusal from error
    for reservation in reservations:
        reservation._state.adding = False
    board.taken(reservations)
    return reservations
