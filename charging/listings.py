"""Reservations as clients see them: one, a bay's, a day's, one's own.

Whoever is not signed in sees of other people's rows no address, and of the plate only
both ends: together they would be what cancelling asks for.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

from charging import hours, plates
from charging.models import ChargingSession, Reservation, Status

MOST_ROWS = 1_000
COLUMNS = (
    *("id", "session_id", "plate", "starts_at", "ends_at", "state"),
    *("contact_email", "owner_id"),
)


def as_json(row):
    """Return a row of COLUMNS in the clients' form, everything shown."""
    # In ISO 8601; strftime takes many times as long, and days have many rows.
    start = hours.local(row["starts_at"]).isoformat()
    end = hours.local(row["ends_at"]).isoformat()
    return {
        "id": str(row["id"]),
        "sessionId": row["session_id"],
        "plate": row["plate"],
        "date": start[:10],
        "startTime": start[11:16],
        "endTime": end[11:16],
        "status": row["state"],
        "contactEmail": row["contact_email"],
    }


def in_full(reservation):
    """Return a reservation in memory in the clients' form, everything shown."""
    return as_json(row_of(reservation))


def masked(shown):
    """Return a reservation in the clients' form without what is private."""
    return {**shown, "plate": masked_plate(shown["plate"]), "contactEmail": None}


def masked_plate(plate):
    """Keep the first two and last two characters of a plate."""
    return plate[:2] + "*" * max(0, len(plate) - 4) + plate[max(2, len(plate) - 2) :]


def seen_by(user, row):
    """Return a row of COLUMNS as this user may see it."""
    shown = as_json(row)
    return shown if owns(user, row["owner_id"]) else masked(shown)


def owns(user, owner_id):
    """Tell whether the user may see a row of this owner in full."""
    return user.is_staff or (user.is_authenticated and str(owner_id) == str(user.pk))


def row_of(reservation, now=None):
    """Return a reservation in memory as a row of COLUMNS."""
    row = {name: getattr(reservation, name) for name in COLUMNS if name != "state"}
    return {**row, "state": state_of(reservation, now or timezone.now())}


def state_of(reservation, now):
    """Return what `with_state` would say of a reservation."""
    if reservation.is_cancelled:
        return Status.CANCELLED
    if now < reservation.starts_at:
        return Status.CONFIRMED
    return Status.IN_PROGRESS if now < reservation.ends_at else Status.COMPLETED


def by_bay(user, rows):
    """Return every bay with its part of the rows."""
    bays = [
        {"sessionId": bay.pk, "name": bay.name, "reservations": []}
        for bay in ChargingSession.objects.all()
    ]
    lists = {bay["sessionId"]: bay["reservations"] for bay in bays}
    for row in rows:
        if row["session_id"] in lists:  # else its bay is younger than our list of bays
            lists[row["session_id"]].append(seen_by(user, row))
    return bays


def day(user, date):
    """Return every bay with the reservations that start on a local day, by start."""
    span = hours.day(date)
    rows = Reservation.objects.live().filter(
        starts_at__gte=span.start, starts_at__lt=span.end
    )
    return by_bay(user, rows.with_state().order_by("starts_at").values(*COLUMNS))


def coming(user):
    """Return every bay with what is not yet over and starts soon."""
    now = timezone.now()
    until = now + timedelta(days=settings.CHARGING_SESSIONS_DAYS)
    rows = Reservation.objects.live().filter(ends_at__gt=now, starts_at__lt=until)
    return by_bay(user, rows.with_state(now).order_by("starts_at").values(*COLUMNS))


def own(user, *, email="", plate=""):
    """Return the user's reservations, the newest start first, at most MOST_ROWS.

    A guest's are those that match both e-mail and plate; of a user and of staff either
    one narrows the list.
    """
    rows = matching(Reservation.objects.live(), email=email, plate=plate)
    if user.is_authenticated:
        rows = rows.visible_to(user)
    rows = rows.with_state().order_by("-starts_at", "session_id")
    return [as_json(row) for row in rows.values(*COLUMNS)[:MOST_ROWS]]


def matching(rows, *, email, plate):
    """Narrow rows by e-mail and plate; an empty text does not narrow."""
    if plate:
        normalised = plates.normalised_or_none(plate)
        if normalised is None:
            return rows.none()
        rows = rows.filter(plate_normalized=normalised)
    if email:
        if "\0" in email:  # the database knows no such text
            return rows.none()
        rows = rows.alias(address=Lower("contact_email"))
        rows = rows.filter(address=Lower(Value(email.strip())))
    return rows
