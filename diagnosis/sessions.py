"""Test sessions: start, begin, cancel, receive, finish, fail, expire; who watches.

A session changes its state only here, only along LEGAL, and only from the state that
it has in the database at that moment; each change is recorded and told to whoever
watches, and to the headset.
"""

import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.errors import DomainError, Forbidden, NotFound
from config.realtime import publish
from diagnosis import news, presence
from diagnosis.models import (
    Patient,
    SessionTransition,
    State,
    TestSession,
    UploadPiece,
)
from diagnosis.presence import headset_group
from diagnosis.times import in_seoul

Actor = SessionTransition.Actor

ENDS = {State.CANCELLED, State.FAILED, State.COMPLETED, State.EXPIRED}
# In the order that states follow each other: see `_move`.
LEGAL = {
    State.READY: ENDS | {State.STARTED},
    State.STARTED: ENDS,
}
CODE_ATTEMPTS = 5


class UnknownSession(NotFound):
    """There is no such session."""

    code = "unknown_session"


class NoLiveSession(NotFound):
    """There is no live session."""

    code = "no_live_session"


class NotYourSession(Forbidden):
    """This session is another doctor's."""

    code = "not_your_session"


class HeadsetAway(DomainError):
    """The patient's headset is not connected."""

    code = "headset_away"


class LiveAlready(DomainError):
    """You or this patient have a live session already."""

    code = "live_already"


class Ended(DomainError):
    """This session has ended, or is past this step."""

    code = "session_ended"


def session_group(session_id):
    """Return the group that watchers of a session listen to."""
    return f"diagnosis.session.{session_id}"


# Who may see one


def owned(user, session_id):
    """Return the user's session as it is now; raise UnknownSession, NotYourSession."""
    expire_due(pk=session_id)
    session = TestSession.objects.filter(pk=session_id).first()
    if session is None:
        raise UnknownSession
    if not TestSession.objects.visible_to(user).filter(pk=session.pk).exists():
        raise NotYourSession
    return session


def of_headset(session_id, patient_id):
    """Return a session of the headset's own patient as it is; raise UnknownSession."""
    expire_due(pk=session_id, patient_id=patient_id)
    sessions = TestSession.objects.filter(pk=session_id, patient_id=patient_id)
    session = sessions.first()
    if session is None:
        raise UnknownSession
    return session


def live_of(doctor):
    """Return the doctor's live session; raise NoLiveSession."""
    expire_due(doctor=doctor)
    session = TestSession.objects.live().filter(doctor=doctor).first()
    if session is None:
        raise NoLiveSession
    return session


def ready_for(patient_id):
    """Return the session that waits for the patient's headset, or None."""
    expire_due(patient_id=patient_id)
    return TestSession.objects.filter(
        patient_id=patient_id, state=State.READY, received_at=None
    ).first()


# What happens to one


def start(*, doctor, patient, type, level):
    """Make a session and send it to the headset.

    Raise HeadsetAway, or LiveAlready when the doctor or the patient has a live one.
    """
    if not presence.connected([patient.pk]):
        raise HeadsetAway
    expire_due(doctor=doctor)
    expire_due(patient=patient)
    for _attempt in range(CODE_ATTEMPTS):
        try:
            return _create(doctor, patient, type, level)
        except IntegrityError as error:
            if (
                error.__cause__.diag.constraint_name
                != "diagnosis_one_live_session_a_code"
            ):
                raise LiveAlready from error
    raise LiveAlready


@transaction.atomic
def _create(doctor, patient, type, level):
    # Locked: a patient who is being removed gets no session.
    present = Patient.objects.present().select_for_update(no_key=True)
    if not present.filter(pk=patient.pk).exists():
        raise HeadsetAway
    frozen_now = timezone.now()
    session = TestSession.objects.create(
        doctor=doctor,
        patient=patient,
        code=secrets.token_hex(3).upper(),
        type=type,
        level=level,
        created_at=frozen_now,
        updated_at=frozen_now,
        expired_at=frozen_now + settings.DIAGNOSIS_SESSION_LIFETIME,
    )
    _record(session, "", Actor.PERSON, user=doctor.user)
    publish(headset_group(patient.pk), "diagnosis.ready", **as_order(session))
    return session


def as_order(session):
    """Return what the headset is told of a session that waits for it."""
    return {
        "diagnosis_id": session.pk,
        "test": session.type,
        "level": session.level,
    }


def begin(session_id, patient_id):
    """The headset runs the test; raise UnknownSession or Ended."""
    of_headset(session_id, patient_id)
    _require(_move(session_id, State.STARTED, Actor.HEADSET))


def give_up(session_id, patient_id, reason):
    """The headset could not go on; raise UnknownSession or Ended.

    Once a recording is stored, it alone decides how the session ends.
    """
    of_headset(session_id, patient_id)
    moved = _move(
        session_id, State.FAILED, Actor.HEADSET, reason=reason, received_at=None
    )
    _require(moved)


def cancel(session_id, *, by):
    """End a live session on a person's word; raise Ended."""
    expire_due(pk=session_id)
    _require(_move(session_id, State.CANCELLED, Actor.PERSON, user=by))


def receive(session_id):
    """Note that a recording is stored; from here on the session does not expire.

    Raise Ended for a session that is not live or has its recording: of two uploads the
    first counts. Call it in the transaction that stores the recording.
    """
    expire_due(pk=session_id)
    waiting = TestSession.objects.live().filter(pk=session_id, received_at=None)
    _require(waiting.update(received_at=timezone.now()))
    news.of_session(TestSession.objects.select_related("patient").get(pk=session_id))


def finish(session_id):
    """The result is stored; raise Ended, for example after a cancel in between.

    Call it in the transaction that stores the result, which goes when this raises.
    """
    _require(_move(session_id, State.COMPLETED, Actor.SCORING))


def fail(session_id, reason):
    """The recording is unusable; raise Ended."""
    _require(_move(session_id, State.FAILED, Actor.SCORING, reason=reason))


def expire_due(**which):
    """End the live sessions of these field values whose time is over; count them."""
    due = {"expired_at__lte": timezone.now(), "received_at": None}
    expired = 0
    for session in TestSession.objects.live().filter(**due, **which):
        if _move(session.pk, State.EXPIRED, Actor.CLOCK, **due):
            expired += 1
    return expired


def _require(changed):
    if not changed:
        raise Ended


@transaction.atomic
def _move(session_id, to, actor, *, user=None, reason="", **only):
    """Change a session's state if that is legal now and `only` holds; tell whether.

    One attempt from each legal state, in the order of LEGAL: a session that goes on
    between two attempts is met by the next.
    """
    for source, targets in LEGAL.items():
        sessions = TestSession.objects.filter(pk=session_id, state=source, **only)
        if to in targets and sessions.update(
            state=to, reason=reason, updated_at=timezone.now()
        ):
            break
    else:
        return False
    session = TestSession.objects.select_related("patient").get(pk=session_id)
    _record(session, source, actor, user=user)
    if to in ENDS:
        UploadPiece.objects.filter(upload__session=session).delete()
    group = headset_group(session.patient_id)
    if to in (State.CANCELLED, State.EXPIRED):
        publish(group, "diagnosis.stopped", diagnosis_id=session.pk)
    elif to == State.FAILED and actor == Actor.SCORING:
        publish(group, "recording.unusable", reason=reason)
    return True


def _record(session, source, actor, user=None):
    change = SessionTransition.objects.create(
        session=session,
        from_state=source,
        to_state=session.state,
        actor=actor,
        user=user,
        reason=session.reason,
        created_at=session.updated_at,
    )
    publish(session_group(session.pk), "session.changed", **as_event(change))
    news.of_session(session)


# Who watches


def changes_after(session_id, change_id):
    """Return the session's changes after one of them, as events."""
    changes = SessionTransition.objects.filter(session_id=session_id, pk__gt=change_id)
    return [as_event(change) for change in changes]


def latest_change(session_id):
    """Return the session's newest change, as an event."""
    changes = SessionTransition.objects.filter(session_id=session_id)
    return as_event(changes.latest("pk"))


def as_event(change):
    """Return a change of state as watchers are told of it."""
    return {
        "change": change.pk,
        "id": change.session_id,
        "state": str(change.to_state),
        "timestamp": in_seoul(change.created_at),
    }
