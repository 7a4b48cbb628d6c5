"""Doctors, patients and sessions to test with."""

from diagnosis import patients, presence, recordings, sessions
from diagnosis.models import Account, Role, TestSession
from tests import factories


def doctor(email="doctor@example.com"):
    """Return the account of a doctor."""
    return Account.objects.create(user=factories.user(email), role=Role.DOCTOR)


def patient(of):
    """Return a patient of a doctor."""
    return patients.add(of, name="Lee")


def session(of, type="FITBOX", level=2):
    """Return a live session of a patient, whose headset is there."""
    presence.arrive(of.pk)
    return sessions.start(doctor=of.doctor, patient=of, type=type, level=level)


def record(of, content, **kind):
    """Return a patient's session as it is after its recording was scored."""
    one = session(of, **kind)
    recordings.take(one, content)
    recordings.score(one.pk)
    return TestSession.objects.get(pk=one.pk)
