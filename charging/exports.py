"""Reservations for other programs: a calendar entry, a table."""

from datetime import UTC

from charging import hours
from charging.models import Reservation
from config import spreadsheets

TABLE = [
    *("id", "bay", "plate", "date", "start", "end", "status", "contact e-mail"),
    *("checked in", "cancelled", "reason"),
]


def as_calendar(reservation, *, now):
    """Return an iCalendar file (RFC 5545) with the reservation as its one event."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Madang//Charging//EN",
        "BEGIN:VEVENT",
        f"UID:{reservation.pk}@madang",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(reservation.starts_at)}",
        f"DTEND:{_utc(reservation.ends_at)}",
        f"SUMMARY:{_escaped(f'{reservation.session.name} · {reservation.plate}')}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _utc(moment):
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text):
    for sign in ("\\", ";", ","):
        text = text.replace(sign, "\\" + sign)
    return text.replace("\r", "").replace("\n", "\\n")


def _folded(line):
    """Break a line after at most 75 bytes, never inside a character."""
    folded, used = "", 0
    for character in line:
        size = len(character.encode())
        if used + size > 75:
            folded, used = folded + "\r\n ", 1
        folded, used = folded + character, used + size
    return folded


def as_table(first, last):
    """Yield the lines of a CSV file: what starts from one local day to another.

    Cancelled reservations are in it too.
    """
    yield spreadsheets.BYTE_ORDER_MARK + spreadsheets.line(TABLE)
    rows = Reservation.objects.filter(
        starts_at__gte=hours.day(first).start, starts_at__lt=hours.day(last).end
    )
    rows = rows.with_state().select_related("session").order_by("starts_at", "session")
    for row in rows.iterator(chunk_size=1_000):
        start = hours.local(row.starts_at)
        yield spreadsheets.line(
            [
                *(row.pk, row.session.name, row.plate, f"{start:%Y-%m-%d}"),
                *(f"{start:%H:%M}", f"{hours.local(row.ends_at):%H:%M}", row.state),
                *(row.contact_email, _stamp(row.checked_in_at)),
                *(_stamp(row.cancelled_at), row.cancel_reason),
            ]
        )


def _stamp(moment):
    return f"{hours.local(moment):%Y-%m-%d %H:%M}" if moment else ""
