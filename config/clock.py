"""Moments as people read them."""

from datetime import UTC
from zoneinfo import ZoneInfo

from django.utils import timezone


class LastingZone(ZoneInfo):
    """A zone that leaves in UTC what its own calendar cannot show: the last hours of
    the year 9999, or the first of the year 1."""

    def fromutc(self, moment):
        try:
            return super().fromutc(moment)
        except OverflowError:
            return moment.replace(tzinfo=UTC)


def clock(moment):
    """Return a moment to the minute, in the current zone and with that zone's name."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"
