"""The demo's clinic: a doctor, ten patients, and their scored history."""

import hashlib

from django.utils import timezone

from diagnosis import demo, records
from diagnosis.models import Patient, Result, State
from diagnosis.models import TestSession as Session


def test_the_demo_has_a_history(disk, boss):
    demo.load(is_new=True)

    assert Patient.objects.count() == len(demo.NAMES) == 10
    results = records.visible_to(boss)
    assert len(results) == len(demo.NAMES) * len(demo.TESTS)
    assert not Session.objects.exclude(state=State.COMPLETED).exists()
    for result in results:
        session = result.recording.session
        assert session.created_at < result.scored_at < timezone.now()
        assert hashlib.sha256(records.content(result)).hexdigest() == result.sha256


def test_without_a_store_there_is_no_demo(nowhere, db):
    demo.load(is_new=True)

    assert not Patient.objects.exists()
    assert not Result.objects.exists()


def test_only_a_new_database_is_filled(disk, db):
    demo.load(is_new=False)

    assert not Patient.objects.exists()
