"""Moments as clients read them: Seoul time, with offset and microseconds."""

from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")


def in_seoul(moment):
    """Return the moment in ISO 8601."""
    return moment.astimezone(SEOUL).isoformat(timespec="microseconds")
