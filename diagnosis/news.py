"""What the doctors' pages are told of: a headset comes or goes, a session changes.

An event says only whom it is about; whoever listens reads how things are now.
"""

from config.realtime import publish, publish_now
from diagnosis import accounts

EVERY_CLINIC = "diagnosis.clinic"


def group_of(user):
    """Return the group that a doctor's pages listen to; raise NotADoctor.

    A superuser's pages hear of all doctors' patients.
    """
    if user.is_superuser:
        return EVERY_CLINIC
    return _group(accounts.doctor_of(user).pk)


async def of_headset(patient_id, doctor_id):
    """Tell that the headset of a doctor's patient came or went."""
    for group in (EVERY_CLINIC, _group(doctor_id)):
        await publish_now(group, "headset.changed", patient_id=patient_id)


def of_session(session):
    """Tell, after the commit, that a session changed."""
    for group in (EVERY_CLINIC, _group(session.patient.doctor_id)):
        publish(group, "session.changed", session_id=session.pk)


def _group(doctor_id):
    return f"diagnosis.clinic.{doctor_id}"
