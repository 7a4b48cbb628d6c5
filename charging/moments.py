"""Moments as cameras and car batteries write them: ISO 8601 or epoch numbers."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_SECONDS = 10**12  # a number beyond this counts milliseconds

# Narrower than fromisoformat(), which takes any letter between date and time.
ISO = re.compile(
    r"[0-9W-]{8,10}([T ][0-9:]+([.,][0-9]+)?(Z|[+-][0-9:]{2,8})?)?", re.ASCII
)


def moment_of(value):
    """Return the instant in UTC that a value from JSON means; raise ValueError.

    Without an offset it is UTC. A text of digits alone is a number.
    """
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"[0-9]+", text, re.ASCII):
            return _of_number(int(text))
        return _of_text(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _of_number(value)
    raise ValueError("not a moment")


def _of_number(number):
    unit = "seconds" if abs(number) <= LARGEST_SECONDS else "milliseconds"
    try:
        return EPOCH + timedelta(**{unit: number})
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


def _of_text(text):
    if not ISO.fullmatch(text):
        raise ValueError("not ISO 8601")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


def as_iso(moment):
    """Return a moment in UTC as ISO 8601 with Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
