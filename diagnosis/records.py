"""Records: the scored recordings of a doctor's patients; who looked at which.

A removed patient's records are gone for doctors; the admin still has them.
"""

from config.errors import NotFound
from diagnosis import sessions, storage
from diagnosis.models import RecordRead, Result, State, TestSession


class NoRecord(NotFound):
    """This session has no record."""

    code = "no_record"


class FileGone(NotFound):
    """The file of this record is gone."""

    code = "file_gone"


def visible_to(user):
    """Return the results in force of the user's patients, newest session first."""
    completed = TestSession.objects.visible_to(user).filter(
        state=State.COMPLETED, patient__removed_at=None
    )
    results = Result.objects.current().filter(recording__session__in=completed)
    return results.select_related("recording__session").order_by(
        "-recording__session__created_at", "-recording__session_id"
    )


def between(user, patient_id, start, end):
    """Return a patient's results of the sessions made from start to end, both included.

    Another doctor's patient has none, and neither has one that does not exist.
    """
    return visible_to(user).filter(
        recording__session__patient_id=patient_id,
        recording__session__created_at__range=(start, end),
    )


def of_session(user, session_id):
    """Return the result of a session.

    Raise UnknownSession, NotYourSession or NoRecord.
    """
    session = sessions.owned(user, session_id)
    result = visible_to(user).filter(recording=session.pk).first()
    if result is None:
        raise NoRecord
    return result


def content(result):
    """Return a result's processed CSV as bytes; raise FileGone or StorageAway."""
    try:
        return storage.get(result.key)
    except FileNotFoundError as error:
        raise FileGone from error


def opened(stored):
    """Return the open file of a Result or Recording; raise FileGone or StorageAway."""
    try:
        return storage.opened(stored.key)
    except FileNotFoundError as error:
        raise FileGone from error


def note_read(user, session, what):
    """Log that a person looked at the record of a session."""
    RecordRead.objects.create(
        user=user, patient_id=session.patient_id, session=session, what=what
    )


def note_trend(user, patient):
    """Log that a person looked at all records of a patient at once."""
    RecordRead.objects.create(user=user, patient=patient, what=RecordRead.What.TREND)


def trend(user, patient):
    """Return [(type, level, [result])] of a patient, oldest results first."""
    results = visible_to(user).filter(recording__session__patient=patient)
    groups = {}
    for result in reversed(results):
        session = result.recording.session
        groups.setdefault((session.type, session.level), []).append(result)
    return [(*test, found) for test, found in sorted(groups.items())]
