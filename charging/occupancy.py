"""How busy the bays are: a day's opening and outages, and what the last weeks were."""

from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay, ExtractMinute
from django.utils import timezone
from django.utils.translation import gettext as _

from charging import hours
from charging.models import (
    SLOT_MINUTES,
    BusinessHours,
    ChargingSession,
    Closure,
    Outage,
    Reservation,
    ReservationSlot,
)


def opening(date):
    """Return a day's opening times in minutes, and the spans of bays out of service."""
    times = hours.opening_times(date)
    span = hours.day(date)
    outages = Outage.objects.filter(starts_at__lt=span.end, ends_at__gt=span.start)
    return {
        "open": times.opens,
        "close": times.closes,
        "outages": [
            {
                "sessionId": outage.session_id,
                "start": minute_of(max(outage.starts_at, span.start), date),
                "end": minute_of(min(outage.ends_at, span.end), date),
            }
            for outage in outages
        ],
    }


def minute_of(moment, date):
    local = hours.local(moment)
    days = (local.date() - date).days
    return days * hours.MIDNIGHT + local.hour * 60 + local.minute


def weeks(today, days=30):
    """Return the share of bays that were taken, by weekday and half hour.

    Of the `days` before today; None where the site was never open.
    """
    dates = [today - timedelta(n) for n in range(days, 0, -1)]
    first, last = dates[0], dates[-1]
    taken = taken_halves(first, last)
    bays = ChargingSession.objects.count()
    offered = Counter()  # open half hours of one bay, by weekday and minute
    for date, times in opening_times_of(dates):
        for minute in range(times.opens, times.closes, SLOT_MINUTES):
            offered[date.weekday(), minute] += 1
    minutes = [minute for _day, minute in (*offered, *taken)] or [0]
    opens, closes = min(minutes), max(minutes) + SLOT_MINUTES

    def share(weekday, minute):
        held, most = taken[weekday, minute], offered[weekday, minute] * bays
        return min(1.0, round(held / most, 3)) if most else (1.0 if held else None)

    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "opens": opens,
        "slot": SLOT_MINUTES,
        "weekdays": [
            [share(weekday, minute) for minute in range(opens, closes, SLOT_MINUTES)]
            for weekday in range(7)
        ],
    }


def taken_halves(first, last):
    """Count what was taken between two local days, by weekday and minute."""
    zone = {"tzinfo": settings.BUSINESS_TIMEZONE}
    rows = (
        ReservationSlot.objects.filter(
            slot_start__gte=hours.day(first).start, slot_start__lt=hours.day(last).end
        )
        .values(
            weekday=ExtractIsoWeekDay("slot_start", **zone),
            hour=ExtractHour("slot_start", **zone),
            minute=ExtractMinute("slot_start", **zone),
        )
        .annotate(count=Count("pk"))
        .order_by()
    )
    return Counter(
        {
            (row["weekday"] - 1, row["hour"] * 60 + row["minute"]): row["count"]
            for row in rows
        }
    )


def state_now():
    """Return the app's state and figures for the home page."""
    now = timezone.now()
    day = hours.day(hours.today(now))
    taken = ReservationSlot.objects.filter(
        slot_start__gt=now - hours.SLOT, slot_start__lte=now
    ).count()
    today = Reservation.objects.live().filter(
        starts_at__gte=day.start, starts_at__lt=day.end
    )
    return {
        "state": "live" if taken else "idle",
        "figures": [
            (_("bays in use"), f"{taken} / {ChargingSession.objects.count()}"),
            (_("reservations today"), today.count()),
        ],
    }


def opening_times_of(dates):
    """Yield (date, OpeningTimes) with two queries, however many dates there are."""
    weekly = {row.weekday: row for row in BusinessHours.objects.all()}
    closures = list(
        Closure.objects.filter(first_day__lte=dates[-1], last_day__gte=dates[0])
    )
    for date in dates:
        row = weekly.get(date.weekday())
        closed = any(c.first_day <= date <= c.last_day for c in closures)
        opens, closes = (row.opens, row.closes) if row else (None, None)
        yield date, hours.OpeningTimes.of(opens, closes, closed)
