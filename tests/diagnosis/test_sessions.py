"""Sessions: their one table of transitions, and what races cannot do to it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from diagnosis import models, presence, sessions, tasks
from diagnosis.models import LIVE, SessionTransition, State
from tests import factories

START = "/diagnosis/diagnosis/start"
LIVE_PATH = "/diagnosis/diagnosis/live"
ENDED = [state for state in State if state not in LIVE]


@pytest.fixture
def doctors_api(api, doctor):
    return api(doctor.user)


@pytest.fixture
def present(patient):
    """The doctor's patient, whose headset is connected."""
    presence.arrive(patient.pk)
    return patient


def body_for(patient, **changes):
    return {"patient_id": patient.pk, "type": "BALANCEBALL", "level": 2, **changes}


def cancel_path(session):
    return f"/diagnosis/diagnosis/{session.pk}/cancel"


def put_into(session, state, **fields):
    models.TestSession.objects.filter(pk=session.pk).update(state=state, **fields)
    session.refresh_from_db()


def run_out(session):
    """Let the session's time be over."""
    put_into(session, session.state, expired_at=timezone.now() - timedelta(seconds=1))


def state_of(session):
    session.refresh_from_db()
    return session.state


def at_once(*calls):
    """Call all in threads; return what each returned, or the type of its error."""

    def run(call):
        try:
            return call()
        except (sessions.DomainError, IntegrityError) as error:
            return type(error)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


# The table

VERBS = {
    State.STARTED: lambda s: sessions.begin(s.pk, s.patient_id),
    State.CANCELLED: lambda s: sessions.cancel(s.pk, by=s.doctor.user),
    State.FAILED: lambda s: sessions.give_up(s.pk, s.patient_id, "broken"),
    State.COMPLETED: lambda s: sessions.finish(s.pk),
}


@pytest.mark.parametrize(("source", "target"), list(product(State, VERBS)))
def test_every_transition_is_legal_or_refused(session, source, target):
    put_into(session, source)
    is_legal = source == State.READY or (source == State.STARTED and target != source)

    if is_legal:
        VERBS[target](session)
    else:
        with pytest.raises(sessions.Ended):
            VERBS[target](session)

    assert state_of(session) == (target if is_legal else source)
    assert session.transitions.count() == (2 if is_legal else 1)


def test_each_change_is_recorded(session, doctor):
    sessions.begin(session.pk, session.patient_id)
    sessions.receive(session.pk)
    sessions.fail(session.pk, "No column State.")

    recorded = SessionTransition.objects.values_list(
        "from_state", "to_state", "actor", "user", "reason"
    )
    assert list(recorded) == [
        ("", "READY", "person", doctor.user_id, ""),
        ("READY", "STARTED", "headset", None, ""),
        ("STARTED", "FAILED", "scoring", None, "No column State."),
    ]
    session.refresh_from_db()
    assert session.reason == "No column State."
    assert session.updated_at == session.transitions.last().created_at


def test_the_database_keeps_one_live_session_a_patient(session):
    with pytest.raises(IntegrityError), transaction.atomic():
        models.TestSession.objects.create(
            doctor=factories.account("other01"),
            patient=session.patient,
            code="ABCDEF",
            type="FITBOX",
            level=1,
            expired_at=timezone.now(),
        )


# Races


def test_of_many_starts_by_one_doctor_one_succeeds(doctor):
    pairs = [factories.patient(doctor) for _ in range(6)]
    for patient in pairs:
        presence.arrive(patient.pk)

    outcomes = at_once(
        *(
            lambda p=p: (
                sessions.start(doctor=doctor, patient=p, type="FITBOX", level=1).state
            )
            for p in pairs
        )
    )

    assert outcomes.count(State.READY) == 1
    assert outcomes.count(sessions.LiveAlready) == 5
    assert models.TestSession.objects.live().count() == 1


def test_of_two_starts_on_one_headset_one_succeeds(present, doctor, colleague):
    outcomes = at_once(
        *(
            lambda d=d: (
                sessions.start(doctor=d, patient=present, type="FITBOX", level=1).state
            )
            for d in (doctor, colleague)
        )
    )

    assert sorted(outcomes, key=str) == [sessions.LiveAlready, State.READY]


def test_of_all_ends_at_once_one_counts(session, doctor):
    outcomes = at_once(
        lambda: sessions.cancel(session.pk, by=doctor.user),
        lambda: sessions.finish(session.pk),
        lambda: sessions.fail(session.pk, "unusable"),
        lambda: sessions.give_up(session.pk, session.patient_id, "broken"),
        lambda: sessions.begin(session.pk, session.patient_id),
    )

    ends = session.transitions.filter(to_state__in=ENDED)
    assert ends.count() == 1
    assert state_of(session) == ends.get().to_state
    assert outcomes[:4].count(None) == 1


def test_of_two_recordings_at_once_one_is_received(session):
    outcomes = at_once(*(lambda: sessions.receive(session.pk) for _ in range(4)))

    assert sorted(outcomes, key=str) == [sessions.Ended] * 3 + [None]


def test_a_cancel_beats_the_score(session, doctor):
    sessions.receive(session.pk)
    sessions.cancel(session.pk, by=doctor.user)

    with pytest.raises(sessions.Ended):
        sessions.finish(session.pk)
    assert state_of(session) == State.CANCELLED


def test_a_recording_decides_over_the_headsets_word(session):
    sessions.receive(session.pk)

    with pytest.raises(sessions.Ended):
        sessions.give_up(session.pk, session.patient_id, "broken")
    sessions.finish(session.pk)

    assert state_of(session) == State.COMPLETED


def test_codes_of_live_sessions_differ(session, monkeypatch, colleague):
    other = factories.patient(colleague)
    presence.arrive(other.pk)
    codes = iter([session.code.lower(), session.code.lower(), "abcdef"])
    monkeypatch.setattr(sessions.secrets, "token_hex", lambda _size: next(codes))

    made = sessions.start(doctor=colleague, patient=other, type="FITBOX", level=1)

    assert made.code == "ABCDEF"


# Expiry


@pytest.mark.parametrize("state", LIVE)
def test_the_beat_expires_what_is_due(session, state):
    put_into(session, state)
    assert tasks.expire_sessions() == 0
    run_out(session)

    assert tasks.expire_sessions() == 1
    assert tasks.expire_sessions() == 0
    assert state_of(session) == State.EXPIRED
    assert session.transitions.last().actor == "clock"


@pytest.mark.parametrize("state", ENDED)
def test_ended_is_ended(session, state):
    put_into(session, state)
    run_out(session)

    assert tasks.expire_sessions() == 0
    assert state_of(session) == state


def test_what_waits_for_its_score_does_not_expire(session, doctors_api):
    sessions.receive(session.pk)
    run_out(session)

    assert tasks.expire_sessions() == 0
    assert doctors_api.get(LIVE_PATH).json()["id"] == session.pk
    sessions.finish(session.pk)
    assert state_of(session) == State.COMPLETED


def test_reading_expires_without_the_beat(session, doctors_api):
    run_out(session)

    assert doctors_api.get(LIVE_PATH).status_code == 404
    assert state_of(session) == State.EXPIRED


def test_nothing_is_done_to_what_is_over(session, doctors_api):
    for act in (
        lambda: sessions.begin(session.pk, session.patient_id),
        lambda: sessions.give_up(session.pk, session.patient_id, "broken"),
        lambda: sessions.receive(session.pk),
    ):
        put_into(session, State.READY)
        run_out(session)
        with pytest.raises(sessions.Ended):
            act()
        assert state_of(session) == State.EXPIRED
    put_into(session, State.STARTED)
    assert doctors_api.post(cancel_path(session)).status_code == 400
    assert state_of(session) == State.EXPIRED


def test_an_expired_session_blocks_nobody(session, doctors_api, present):
    run_out(session)

    assert doctors_api.post(START, body_for(present)).status_code == 201
