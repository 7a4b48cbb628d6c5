"""The site's clock, also where it is put forward and back."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from charging import hours
from tests.charging.conftest import vectors


def minute(text):
    hour, minutes = text.split(":")
    return int(hour) * 60 + int(minutes)


def named(case):
    return f"{case['zone']} {case['date']} {case.get('startTime', 'day')}"


@pytest.mark.parametrize("case", vectors("zones")["windows"], ids=named)
def test_recorded_windows(settings, case):
    settings.BUSINESS_TIMEZONE = ZoneInfo(case["zone"])
    day = date.fromisoformat(case["date"])
    span = minute(case["startTime"]), minute(case["endTime"])

    if "status" in case["expect"]:
        with pytest.raises(hours.BadWindow):
            hours.window(day, *span)
    else:
        window = hours.window(day, *span)
        assert window.start == datetime.fromisoformat(case["expect"]["start"])
        assert window.end == datetime.fromisoformat(case["expect"]["end"])
        assert len(window.slots()) == case["expect"]["slots"]
        assert hours.minutes(window, day) == span


@pytest.mark.parametrize("case", vectors("zones")["days"], ids=named)
def test_recorded_days(settings, case):
    settings.BUSINESS_TIMEZONE = ZoneInfo(case["zone"])

    day = hours.day(date.fromisoformat(case["date"]))

    assert day.start == datetime.fromisoformat(case["from"])
    assert day.end == datetime.fromisoformat(case["before"])
    assert (day.end - day.start).total_seconds() == case["hours"] * 3600
