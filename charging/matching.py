"""Does a plate that a camera saw have a reservation at that moment.

Only a plate that is the same after normalising matches: a match starts hardware. What
merely looks alike is a suggestion.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from charging import plates, stays
from charging.models import PlateSighting, Reservation

Source = PlateSighting.Source
# What the clocks of all zones can show.
EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


@dataclass(frozen=True)
class Match:
    """The reservation of a plate, or one of a similar plate with its likeness."""

    reservation: Reservation | None
    suggestion: Reservation | None = None
    score: float | None = None


def match(text, moment):
    """Find the reservation of a plate at a moment; the sighting is stored.

    Seen at about the present, a match checks the car in.
    """
    plate = plates.normalised_or_none(text)
    found = _find(plate, moment) if plate else Match(None)
    record(text, moment, Source.MATCH, reservation=found.reservation)
    if plate and abs(timezone.now() - moment) <= stays.PRESENT:
        if found.reservation:
            stays.arrive(found.reservation, moment)
        else:
            stays.linger(plate, moment)
    return found


def _find(plate, moment):
    present = Reservation.objects.live().filter(
        starts_at__lte=moment, ends_at__gt=moment
    )
    reservation = present.filter(plate_normalized=plate).first()
    if reservation is not None:
        return Match(reservation)
    others = {other.plate_normalized: other for other in present}
    alike = plates.most_alike(plate, others)
    if alike is None:
        return Match(None)
    similar, score = alike
    return Match(None, others[similar], round(score, 3))


def record(text, seen_at, source, *, confidence=None, reservation=None):
    """Store that a plate was seen, whatever the text is."""
    return PlateSighting.objects.create(
        plate=text.replace("\0", "")[:200],
        plate_normalized=plates.normalised_or_none(text) or "",
        seen_at=min(max(seen_at, EARLIEST), LATEST),
        source=source,
        confidence=confidence,
        reservation=reservation,
    )


def sweep():
    """Forget sightings older than CHARGING_SIGHTING_KEEP_DAYS."""
    limit = timezone.now() - timedelta(days=settings.CHARGING_SIGHTING_KEEP_DAYS)
    PlateSighting.objects.filter(created_at__lt=limit).delete()
