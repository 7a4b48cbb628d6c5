"""Make reservations, as the domain does and as clients do."""

from datetime import date

from charging import booking

DAY = date(2031, 3, 10)
HOUR = 60


def booked(
    bay=1, plate="12가3456", start=10, hours=1, day=DAY, email=None, user=None, **more
):
    """Reserve `hours` from a full or half hour on, such as 10.5."""
    return booking.reserve(
        bay=bay,
        driver=booking.Driver(plate, user, email),
        date=day,
        start=int(start * HOUR),
        end=int((start + hours) * HOUR),
        **more,
    )


def body(**changes):
    """Return the body of a creation."""
    return {
        "sessionId": 1,
        "plate": "12가3456",
        "date": "2031-03-10",
        "startTime": "10:00",
        "endTime": "11:00",
        **changes,
    }
