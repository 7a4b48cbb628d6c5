"""The demo: a doctor, ten patients, and a history of made-up recordings.

The doctor cannot sign in; the superuser sees her patients.
"""

import logging
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from diagnosis import patients, recordings, storage, synthetic
from diagnosis.models import (
    Account,
    Result,
    Role,
    SessionTransition,
    TestSession,
)
from diagnosis.times import SEOUL

log = logging.getLogger(__name__)

NAMES = [
    *("강하늘", "김서준", "민지우", "박도윤", "배수아"),
    *("서지호", "윤하린", "이준서", "정다은", "최예준"),
]
TESTS = [
    *(("BALANCEBALL", 1), ("FITBOX", 1), ("BALANCEBALL", 2)),
    *(("TENNISBALL", 1), ("FITBOX", 2), ("BALANCEBALL", 2)),
]
EMAIL = "demo-doctor@diagnosis.invalid"


def load(is_new):
    """Fill a new database; without a store for recordings, leave it as it is."""
    if not is_new:
        return
    try:
        with transaction.atomic():
            make_clinic()
    except storage.StorageAway:
        log.warning("No demo recordings: their store is away")


def make_clinic():
    user = get_user_model().objects.create_user(EMAIL, None, uname="한소라")
    doctor = Account.objects.create(user=user, role=Role.DOCTOR)
    today = (
        timezone.now()
        .astimezone(SEOUL)
        .replace(hour=10, minute=0, second=0, microsecond=0)
    )
    for number, name in enumerate(NAMES):
        patient = patients.add(doctor, name=name)
        for visit, (type, level) in enumerate(TESTS):
            days = 5 + 14 * (len(TESTS) - 1 - visit) + number
            make_record(
                patient,
                type,
                level,
                skill=0.5 + 0.03 * number + 0.04 * visit,
                seed=100 * number + visit,
                moment=today - timedelta(days=days, minutes=20 * number),
            )


def make_record(patient, type, level, *, skill, seed, moment):
    """Score a made-up recording as if it had been uploaded at a moment in the past."""
    start = moment.astimezone(SEOUL).replace(tzinfo=None)
    content = synthetic.recording(
        type, level=level, seconds=30, skill=skill, seed=seed, start=start
    )
    ended = moment + timedelta(seconds=40)
    session = TestSession.objects.create(
        doctor=patient.doctor,
        patient=patient,
        code=f"{seed:06X}",
        type=type,
        level=level,
        created_at=moment,
        expired_at=moment + timedelta(minutes=30),
        received_at=ended,
    )
    recording = recordings.store(session, content, ended)
    recordings.score(recording.pk)
    TestSession.objects.filter(pk=session.pk).update(updated_at=ended)
    SessionTransition.objects.filter(session=session).update(created_at=ended)
    Result.objects.filter(recording=recording).update(scored_at=ended)
