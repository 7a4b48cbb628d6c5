"""Moments as people read them."""

from django.utils import timezone


def clock(moment):
    """Return a moment to the minute, in the current zone and with that zone's name."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"
