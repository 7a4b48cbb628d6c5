"""Records over HTTP: list, figures, file, plots; who may see them, and who did."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from fhir.resources.R4B.observation import Observation

from diagnosis import patients, recordings
from diagnosis.models import Recording, RecordRead, Result, State
from diagnosis.models import TestSession as Session
from tests import factories
from tests.diagnosis.recordings import golden

RAW, PROCESSED = golden("FITBOX")
LIST = "/diagnosis/diagnosis/record/list"
VIEWS = ["metadata", "file", "analysis", "fhir"]


def record(of, created_at=None, content=RAW, **kind):
    """Return a patient's session whose recording was scored."""
    session = factories.session(of, **{"type": "FITBOX", **kind})
    recordings.take(session, content)
    recordings.score(session.pk)
    session.refresh_from_db()
    if created_at is not None:
        Session.objects.filter(pk=session.pk).update(created_at=created_at)
    return session


def url(session, view):
    return f"/diagnosis/diagnosis/record/{session.pk}/{view}"


def body(response):
    return b"".join(response.streaming_content)


@pytest.fixture(autouse=True)
def _stored(disk):
    """On disk, in a folder of each test's own."""


@pytest.fixture
def session(patient):
    return record(patient)


@pytest.fixture
def get(api, doctor):
    return api(doctor.user).get


@pytest.fixture
def listed(get, patient):
    """Ask for the doctor's patient's records of all times."""

    def ask(**query):
        always = {"start_date": "2000-01-01", "end_date": "2100-01-01"}
        return get(LIST, {"patient_id": patient.pk, **always, **query})

    return ask


# The list


def test_a_record_in_the_list(listed, session):
    response = listed()

    assert response.status_code == 200
    assert response.json() == [
        {
            "id": session.pk,
            "type": "FITBOX",
            "level": 2,
            "filename": session.recording.filename,
            "created_at": timezone.localtime(session.created_at)
            .astimezone(timezone.get_fixed_timezone(540))
            .isoformat(timespec="microseconds"),
        }
    ]


def test_newest_first(listed, patient):
    start = datetime(2026, 11, 1, tzinfo=UTC)
    sessions = [record(patient, start + timedelta(days=day)) for day in (2, 0, 1)]

    ids = [item["id"] for item in listed().json()]

    assert ids == [sessions[0].pk, sessions[2].pk, sessions[1].pk]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        # 00:30 of the 21st in Seoul
        ("2026-11-21", "2026-11-22", True),
        ("2026-11-21T00:00:00", "2026-11-21T23:59:59.999999", True),
        ("2026-11-20T00:00:00", "2026-11-20T23:59:59.999999", False),
        ("2026-11-20T15:30:00Z", "2026-11-20T15:30:00+00:00", True),
        ("2026-11-21T00:30:00.000001", "2026-11-22", False),
        ("2026-11-20", "2026-11-21T00:29:59.999999", False),
        ("0001-01-01", "9999-12-31T23:59:59.999999", True),
        ("2026-11-22", "2026-11-20", False),
    ],
)
def test_times_without_a_zone_are_seouls(listed, patient, start, end, found):
    record(patient, datetime(2026, 11, 20, 15, 30, tzinfo=UTC))

    response = listed(start_date=start, end_date=end)

    assert (response.status_code, len(response.json())) == (200, int(found))


def test_only_completed_sessions_are_listed(listed, patient):
    record(patient, content=RAW.replace(b"State", b"Stake"))
    waiting = factories.session(patient, type="FITBOX")
    recordings.take(waiting, RAW)

    assert listed().json() == []


def test_a_part_of_the_list(listed, patient):
    ids = [record(patient).pk for _ in range(3)]

    assert [item["id"] for item in listed(limit=1, offset=1).json()] == [ids[1]]


def test_the_list_takes_the_same_queries_for_any_length(
    listed, patient, django_assert_num_queries
):
    record(patient)
    with django_assert_num_queries(3):  # user, role, list
        listed()
    record(patient)
    record(patient)

    with django_assert_num_queries(3):
        assert len(listed().json()) == 3


@pytest.mark.parametrize("patient_id", ["0", "-5", "999999", str(2**63), "9" * 40])
def test_an_unknown_patient_has_no_records(listed, session, patient_id):
    response = listed(patient_id=patient_id)

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patient_id", "x"),
        ("patient_id", ""),
        ("start_date", "yesterday"),
        ("end_date", "2026-13-01"),
    ],
)
def test_a_bad_query_is_told(listed, name, value):
    response = listed(**{name: value})

    assert response.status_code == 422
    assert [p["loc"] for p in response.json()["detail"]] == [["query", name]]


def test_all_of_the_query_is_required(get):
    response = get(LIST)

    assert response.status_code == 422
    assert [(p["loc"][1], p["type"]) for p in response.json()["detail"]] == [
        ("patient_id", "missing"),
        ("start_date", "missing"),
        ("end_date", "missing"),
    ]


# One record


def test_metadata(get, session, patient):
    response = get(url(session, "metadata"))

    assert response.status_code == 200
    found = response.json()
    assert found.pop("created_at").endswith("+09:00")
    assert found == {
        "patient_id": patient.pk,
        "type": "FITBOX",
        "level": 2,
        "filename": session.recording.filename,
        "score": 850.0,
        "time_spent": 0.5090000629425049,
        "fps": 70.72690677459985,
    }


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_the_file(get, request, patient, place):
    request.getfixturevalue(place)
    session = record(patient)

    response = get(url(session, "file"))

    assert response.status_code == 200
    assert body(response) == PROCESSED
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Length"] == str(len(PROCESSED))
    name = session.recording.filename
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("place", ["disk", "bucket"])
@pytest.mark.parametrize("view", ["file", "analysis"])
def test_a_file_that_is_gone(get, request, patient, place, view):
    store = request.getfixturevalue(place)
    session = record(patient)
    key = Result.objects.get().key
    if place == "bucket":
        store.Object(key).delete()
    else:
        (store / key).unlink()

    response = get(url(session, view))

    assert (response.status_code, response.json()["code"]) == (404, "file_gone")


@pytest.mark.parametrize("view", ["file", "analysis"])
def test_a_store_that_is_away(get, session, request, view):
    request.getfixturevalue("nowhere")

    response = get(url(session, view))

    assert (response.status_code, response.json()["code"]) == (503, "storage_away")


def test_analysis(get, session):
    found = get(url(session, "analysis")).json()

    assert (found["id"], found["score"]) == (session.pk, 850.0)
    assert len(found["points"]["rows"]) == 36
    assert len(found["events"]) == 6


def test_analysis_has_a_shorter_address_too(get, session):
    short = get(f"/diagnosis/record/{session.pk}/analysis")

    assert short.json() == get(url(session, "analysis")).json()


def test_fhir(get, session, patient):
    response = get(url(session, "fhir"))

    found = Observation.model_validate_json(response.content)
    assert response["Content-Type"] == "application/fhir+json"
    assert found.status == "final"
    assert found.subject.identifier.value == patient.code
    assert {c.code.text: float(c.valueQuantity.value) for c in found.component} == {
        "level": 2,
        "score": 850.0,
        "time_spent": 0.5090000629425049,
        "fps": 70.72690677459985,
    }
    assert patient.name not in response.content.decode()


def test_trend(get, patient):
    start = datetime(2026, 11, 1, tzinfo=UTC)
    newer, older = (record(patient, start + timedelta(days=d)) for d in (1, 0))
    other = record(patient, level=3)

    found = get(f"/diagnosis/patients/{patient.pk}/trend").json()

    assert [
        (test["type"], test["level"], [one["id"] for one in test["results"]])
        for test in found
    ] == [("FITBOX", 2, [older.pk, newer.pk]), ("FITBOX", 3, [other.pk])]
    assert found[0]["results"][0] == {
        "id": older.pk,
        "created_at": "2026-11-01T09:00:00.000000+09:00",
        "score": 850.0,
        "time_spent": 0.5090000629425049,
        "fps": 70.72690677459985,
    }


def test_a_result_scored_anew_is_what_is_shown(get, session, boss):
    Result.objects.update(scorer_version=0, score=1.0)
    recordings.score_anew(Recording.objects.get(), boss)

    assert get(url(session, "metadata")).json()["score"] == 850.0


# Who may


@pytest.mark.parametrize("view", VIEWS)
class TestWho:
    def test_nobody(self, api, session, view):
        response = api().get(url(session, view))

        assert response.status_code == 401
        assert response["WWW-Authenticate"] == "Bearer"

    def test_a_nurse(self, api, nurse, session, view):
        assert api(nurse.user).get(url(session, view)).status_code == 403

    def test_another_doctor(self, api, colleague, session, view):
        assert api(colleague.user).get(url(session, view)).status_code == 403

    def test_a_superuser(self, api, boss, session, view):
        assert api(boss).get(url(session, view)).status_code == 200

    def test_after_the_patient_was_removed(self, get, session, view, doctor):
        patients.remove(session.patient, by=doctor.user)

        assert get(url(session, view)).status_code == 404

    def test_without_a_result(self, get, patient, view):
        session = factories.session(patient)

        response = get(url(session, view))

        assert (response.status_code, response.json()["code"]) == (404, "no_record")

    def test_of_a_session_that_failed(self, get, session, view):
        Session.objects.update(state=State.FAILED)

        assert get(url(session, view)).status_code == 404

    @pytest.mark.parametrize("number", ["999999", "0", str(2**70)])
    def test_without_a_session(self, get, view, number):
        response = get(f"/diagnosis/diagnosis/record/{number}/{view}")

        assert response.status_code == 404

    def test_what_is_no_number(self, get, view):
        assert get(f"/diagnosis/diagnosis/record/x/{view}").status_code == 422


def test_other_doctors_see_an_empty_list(api, colleague, session):
    query = {
        "patient_id": session.patient_id,
        "start_date": "2000-01-01",
        "end_date": "2100-01-01",
    }

    assert api(colleague.user).get(LIST, query).json() == []


def test_nurses_have_no_list(api, nurse, session):
    query = {"patient_id": 1, "start_date": "2000-01-01", "end_date": "2100-01-01"}

    assert api(nurse.user).get(LIST, query).status_code == 403
    assert api().get(LIST, query).status_code == 401


def test_another_doctors_trend(api, colleague, session):
    response = api(colleague.user).get(
        f"/diagnosis/patients/{session.patient_id}/trend"
    )

    assert response.status_code == 403


def test_who_looked_at_whom_is_logged(api, doctor, colleague, session):
    client = api(doctor.user)
    for view in VIEWS:
        client.get(url(session, view))
    client.get(f"/diagnosis/patients/{session.patient_id}/trend")
    api(colleague.user).get(url(session, "file"))  # was refused

    looks = RecordRead.objects.order_by("pk")
    assert [look.what for look in looks] == [*VIEWS, "trend"]
    assert {look.user for look in looks} == {doctor.user}
    assert {look.patient for look in looks} == {session.patient}
    assert [look.session for look in looks] == [session] * 4 + [None]
