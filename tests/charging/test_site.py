"""What a new site begins with: bays, the staff's group, a week of examples."""

import pytest
from django.core.management import call_command

from charging import demo
from charging.models import ChargingSession, Reservation, ReservationSlot

pytestmark = pytest.mark.django_db


def test_the_bays_that_clients_know():
    assert list(ChargingSession.objects.values_list("id", "name")) == [
        (1, "세션 1"),
        (2, "세션 2"),
        (3, "세션 3"),
        (4, "세션 4"),
    ]


def test_bays_are_made_where_they_are_missing(settings):
    ChargingSession.objects.filter(pk__in=[2, 3]).delete()
    ChargingSession.objects.filter(pk=1).update(name="Eins")

    settings.AUTO_SEED_SESSIONS = False
    call_command("migrate", verbosity=0)
    without = ChargingSession.objects.count()
    settings.AUTO_SEED_SESSIONS = True
    call_command("migrate", verbosity=0)

    assert without == 2
    names = ChargingSession.objects.values_list("name", flat=True)
    assert list(names) == ["Eins", "세션 2", "세션 3", "세션 4"]


def test_a_plausible_week():
    made = demo.load(is_new=True)

    assert made == Reservation.objects.count() > 50
    assert ReservationSlot.objects.count() > made
    assert demo.load(is_new=False) == 0
    days = Reservation.objects.dates("starts_at", "day")
    assert len(days) == demo.BEFORE + demo.AFTER + 1
