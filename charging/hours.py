"""Days and times on the site's clock: windows, the half-hour grid, business hours.

Clients speak local time in BUSINESS_TIMEZONE; everything stored is UTC. A day has 23,
24 or 25 hours. Grid and business hours are judged on the local clock, slots are counted
on the instants.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from charging.models import SLOT_MINUTES, BusinessHours, Closure
from config.errors import DomainError

SLOT = timedelta(minutes=SLOT_MINUTES)
MIDNIGHT = 24 * 60


class BadWindow(DomainError):
    """This time cannot be booked."""

    code = "bad_window"


@dataclass(frozen=True)
class Window:
    """A span of time as UTC instants, on the grid."""

    start: datetime
    end: datetime

    def slots(self):
        """Return the starts of its half hours, in order."""
        count = (self.end - self.start) // SLOT
        return [self.start + SLOT * n for n in range(count)]

    def overlaps(self, other):
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class OpeningTimes:
    """When the site is open on a day, in minutes of the local clock."""

    opens: int
    closes: int

    @classmethod
    def of(cls, opens, closes, closed):
        """Make them out of a weekday's row (None: the defaults) and a closure."""
        if closed:
            return cls(0, 0)
        if opens is None:
            return cls(settings.BUSINESS_OPEN, settings.BUSINESS_CLOSE)
        return cls(opens, closes)

    def check(self, start, end):
        """Raise BadWindow unless the times of day are within."""
        if self.opens == self.closes:
            raise BadWindow(_("The site is closed on this day."))
        if start < self.opens or end > self.closes:
            raise BadWindow(
                _("The site is open from {opens} to {closes}.").format(
                    opens=clock(self.opens), closes=clock(self.closes)
                )
            )


def opening_times(date):
    """Return the OpeningTimes of a day."""
    row = BusinessHours.objects.filter(weekday=date.weekday()).first()
    closed = Closure.objects.filter(first_day__lte=date, last_day__gte=date).exists()
    if row is None:
        return OpeningTimes.of(None, None, closed)
    return OpeningTimes.of(row.opens, row.closes, closed)


def last_minute(end):
    """Return an end as a minute of its day: 00:00 and 24:00 are the end of the day."""
    return end or MIDNIGHT


def window(date, start, end):
    """Return the Window between two minutes of a local day; raise BadWindow.

    `end` 0 or 1440 is the end of the day. Of an ambiguous time the first is meant.
    """
    end = last_minute(end)
    if start % SLOT_MINUTES or end % SLOT_MINUTES:
        raise BadWindow(_("Times must lie on the half hour."))
    if end <= start:
        raise BadWindow(_("The end must be after the start."))
    return Window(instant(date, start), instant(date, end))


def lasting(length, date, start):
    """Return the Window of a length from a minute of a local day; raise BadWindow."""
    if start % SLOT_MINUTES:
        raise BadWindow(_("Times must lie on the half hour."))
    begin = instant(date, start)
    return Window(begin, begin + length)


def instant(date, minute):
    """Return the instant of a minute of a local day; raise BadWindow if there is none.

    The clock skips some when it is put forward.
    """
    moment = _first(date, minute)
    local = moment.astimezone(settings.BUSINESS_TIMEZONE)
    if (local.hour * 60 + local.minute) != minute % MIDNIGHT:
        raise BadWindow(_("The clock is put forward then; this time does not exist."))
    return moment


def day(date):
    """Return the instants at which a local day begins and ends."""
    return Window(_first(date, 0), _first(date, MIDNIGHT))


def _first(date, minute):
    days, minute = divmod(minute, MIDNIGHT)
    local = datetime.combine(
        date + timedelta(days), time(*divmod(minute, 60)), settings.BUSINESS_TIMEZONE
    )
    # In a gap this is the moment after it; of an ambiguous time it is the first.
    return local.astimezone(UTC)


def local(moment):
    """Return an instant on the site's clock."""
    return moment.astimezone(settings.BUSINESS_TIMEZONE)


def today(now):
    """Return the local date of an instant."""
    return local(now).date()


def clock(minute):
    """Return a minute of the day as HH:MM."""
    return f"{minute // 60:02}:{minute % 60:02}"


def minutes(window, date):
    """Return a Window's start and end as minutes of a local day."""
    start, end = local(window.start), local(window.end)
    day_of_end = (end.date() - date).days
    return (
        start.hour * 60 + start.minute,
        day_of_end * MIDNIGHT + end.hour * 60 + end.minute,
    )
