"""Sessions over HTTP: what is answered, and to whom."""

import re
from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from diagnosis import models, presence
from diagnosis.models import State
from tests import factories
from tests.diagnosis.test_accounts import SEOUL_TIME
from tests.diagnosis.test_sessions import (
    LIVE_PATH,
    START,
    body_for,
    cancel_path,
    doctors_api,
    present,
    state_of,
)

__all__ = ["doctors_api", "present"]


# Over HTTP


def test_starting(doctors_api, present):
    before = timezone.now()

    response = doctors_api.post(START, body_for(present))

    body = response.json()
    made = models.TestSession.objects.get()
    assert response.status_code == 201
    assert list(body) == ["id", "code", "expired_at"]
    assert body["id"] == made.pk
    assert re.fullmatch(r"[0-9A-F]{6}", body["code"])
    assert re.fullmatch(SEOUL_TIME, body["expired_at"])
    assert timedelta(0) <= made.expired_at - before - timedelta(seconds=1800)
    assert made.expired_at - before < timedelta(seconds=1810)
    assert (made.type, made.level, made.state) == ("BALANCEBALL", 2, State.READY)
    assert doctors_api.get(LIVE_PATH).json() == body


def test_a_headset_that_is_away(doctors_api, patient):
    response = doctors_api.post(START, body_for(patient))

    assert response.status_code == 400
    assert response.json()["code"] == "headset_away"
    assert models.TestSession.objects.count() == 0


def test_one_live_session_at_a_time(doctors_api, session, doctor):
    another = factories.patient(doctor)
    presence.arrive(another.pk)

    refused = doctors_api.post(START, body_for(another))
    doctors_api.post(cancel_path(session))

    assert refused.status_code == 400
    assert refused.json()["code"] == "live_already"
    assert doctors_api.post(START, body_for(another)).status_code == 201


@pytest.mark.parametrize("type", ["BALANCEBALL", "FITBOX", "TENNISBALL"])
@pytest.mark.parametrize("level", [1, 3, "2"])
def test_tests_and_levels(doctors_api, present, type, level):
    response = doctors_api.post(START, body_for(present, type=type, level=level))

    assert response.status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "NONE"},
        {"type": "balanceball"},
        {"type": None},
        {"level": 0},
        {"level": 4},
        {"level": -1},
        {"level": 10**12},
        {"level": 1.5},
        {"level": True},
        {"level": None},
        {"patient_id": "x"},
        {"patient_id": 1.5},
        {"patient_id": None},
    ],
    ids=str,
)
def test_what_does_not_fit_is_422(doctors_api, present, changes):
    response = doctors_api.post(START, body_for(present, **changes))

    assert response.status_code == 422
    assert [p["loc"] for p in response.json()["detail"]] == [["body", *changes]]


@pytest.mark.parametrize("id", [0, -1, 2**31, 2**63, 10**30])
def test_patients_that_do_not_exist(doctors_api, present, id):
    response = doctors_api.post(START, body_for(present, patient_id=id))

    assert response.status_code == 404


def test_cancelling(doctors_api, session, doctor):
    response = doctors_api.post(cancel_path(session))

    assert (response.status_code, response.content) == (200, b"")
    assert state_of(session) == State.CANCELLED
    assert session.transitions.last().user == doctor.user
    assert doctors_api.get(LIVE_PATH).status_code == 404
    assert doctors_api.post(cancel_path(session)).status_code == 400


@pytest.mark.parametrize(("id", "status"), [("0", 404), ("9" * 30, 404), ("x", 422)])
def test_ids_that_no_session_has(doctors_api, id, status):
    path = f"/diagnosis/diagnosis/{id}/cancel"

    assert doctors_api.post(path).status_code == status


# Who may


def calls(session):
    return [
        ("post", START, body_for(session.patient)),
        ("get", LIVE_PATH, None),
        ("post", cancel_path(session), None),
        ("get", f"/diagnosis/diagnosis/{session.pk}/status", None),
    ]


def test_nobody_is_401(api, session):
    for method, path, body in calls(session):
        response = getattr(api(), method)(path, body)

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_who_is_no_doctor_is_403(api, session, nurse, outsider):
    for user, (method, path, body) in product((nurse.user, outsider), calls(session)):
        response = getattr(api(user), method)(path, body)

        assert response.status_code == 403
        assert response.json()["code"] == "not_a_doctor"
    assert state_of(session) == State.READY


def test_a_colleagues_sessions_are_hers(api, session, colleague):
    client = api(colleague.user)

    statuses = [
        getattr(client, method)(path, body).status_code
        for method, path, body in calls(session)
    ]

    assert statuses == [403, 404, 403, 403]
    assert state_of(session) == State.READY


def test_a_superuser_may_all(api, boss, session, doctor):
    client = api(boss)
    assert client.post(cancel_path(session)).status_code == 200

    started = client.post(START, body_for(session.patient))

    assert started.status_code == 201
    assert client.get(LIVE_PATH).json() == started.json()
    # The patient is the doctor's all the same.
    assert (
        api(doctor.user)
        .post(f"/diagnosis/diagnosis/{started.json()['id']}/cancel")
        .status_code
        == 200
    )
