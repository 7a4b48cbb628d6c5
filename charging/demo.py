"""The demo: a plausible week at the bays, the same in every new database."""

import random
from datetime import timedelta

from django.utils import timezone

from charging import booking, hours
from charging.models import ChargingSession
from config.errors import DomainError

SEED = 20310310
USES = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호"
BEFORE, AFTER = 3, 4  # days around today
WISHES_A_DAY = 26
LENGTHS = [30, 60, 60, 60, 90, 120]
BUSY_HOURS = [9, 10, 11, 12, 12, 13, 14, 15, 17, 18, 18, 19, 19, 20]


class Past(booking.Driver):
    """A guest who was there: books what is over, too."""

    is_staff = True


def load(is_new):
    """Fill the week around today in a new database; tell how many were booked."""
    if not is_new or not ChargingSession.objects.exists():
        return 0
    chance = random.Random(SEED)
    today = hours.today(timezone.now())
    bays = list(ChargingSession.objects.values_list("pk", flat=True))
    return sum(
        book(chance, today + timedelta(day), bays)
        for day in range(-BEFORE, AFTER + 1)
        for _wish in range(WISHES_A_DAY)
    )


def book(chance, date, bays):
    """Try one wish of a day; tell whether it came true."""
    start = chance.choice(BUSY_HOURS) * 60 + chance.choice([0, 30])
    region, serial = chance.randint(10, 999), chance.randint(1000, 9999)
    plate = f"{region}{chance.choice(USES)}{serial}"
    try:
        booking.reserve(
            bay=chance.choice(bays),
            driver=Past(plate, None, f"driver{chance.randint(1, 60)}@example.com"),
            date=date,
            start=start,
            end=start + chance.choice(LENGTHS),
        )
    except DomainError:
        return False  # taken, closed or over
    return True
