"""Moments as the clients see them: with the offset of SSHOPS_TIME_ZONE."""

from django.conf import settings


def local(moment):
    """Return an aware moment in ISO 8601, or None for None."""
    if moment is None:
        return None
    try:
        return moment.astimezone(settings.SSHOPS_TIME_ZONE).isoformat()
    except OverflowError:  # not in this calendar: on the last day, or the first
        return moment.isoformat()
