"""Patients over HTTP: whose they are, their codes, and many at once."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from diagnosis import patients
from diagnosis.models import Account, Patient, State
from tests import factories
from tests.diagnosis.test_accounts import SEOUL_TIME

PATIENTS = "/diagnosis/patients"


def path_of(patient):
    return f"{PATIENTS}/{patient.pk}"


@pytest.fixture
def doctors_api(api, doctor):
    return api(doctor.user)


# What is answered


def test_a_patient(doctors_api, doctor):
    response = doctors_api.post(PATIENTS, {"name": "Lee"})

    body = response.json()
    assert response.status_code == 201
    assert list(body) == ["id", "code", "name", "created_at", "updated_at"]
    assert body["id"] == Patient.objects.get().pk
    assert (body["code"], body["name"]) == (f"{doctor.pk % 1000:03d}-000", "Lee")
    assert re.fullmatch(SEOUL_TIME, body["created_at"])


@pytest.mark.parametrize("code", ["A-1", "환자 7", "001-000"])
def test_a_code_of_ones_own(doctors_api, code):
    response = doctors_api.post(PATIENTS, {"name": "Lee", "code": code})

    assert (response.status_code, response.json()["code"]) == (201, code)


@pytest.mark.parametrize("code", ["", None])
def test_an_empty_code_is_made(doctors_api, code):
    response = doctors_api.post(PATIENTS, {"name": "Lee", "code": code})

    assert response.json()["code"].endswith("-000")


def test_a_code_is_taken_once_also_by_the_removed(doctors_api, patient, colleague, api):
    doctors_api.delete(path_of(patient))

    response = api(colleague.user).post(PATIENTS, {"name": "X", "code": patient.code})

    assert response.status_code == 400
    assert response.json()["detail"] == "Another patient has this code."


def test_codes_count_on_over_the_removed(doctors_api):
    codes = []
    for _ in range(3):
        body = doctors_api.post(PATIENTS, {"name": "Lee"}).json()
        codes.append(body["code"][-3:])
        doctors_api.delete(f"{PATIENTS}/{body['id']}")

    assert codes == ["000", "001", "002"]


def test_codes_pass_over_what_was_chosen(doctor):
    prefix = f"{doctor.pk % 1000:03d}-"
    patients.add(doctor, name="", code=prefix + "001")
    patients.add(doctor, name="", code=prefix + "words")

    made = [patients.add(doctor, name="").code for _ in range(2)]

    assert made == [prefix + "000", prefix + "002"]


def test_doctors_whose_numbers_end_alike_share_the_numbers(doctor):
    other = factories.account("other01")
    Account.objects.filter(pk=other.pk).update(id=doctor.pk + 1000)
    other = Account.objects.get(pk=doctor.pk + 1000)

    made = [patients.add(who, name="").code for who in (doctor, other, doctor, other)]

    assert [code[-3:] for code in made] == ["000", "001", "002", "003"]
    assert len({code[:4] for code in made}) == 1


def test_many_at_once_get_codes_of_their_own(doctor):
    other = factories.account("other01")
    Account.objects.filter(pk=other.pk).update(id=doctor.pk + 1000)
    who = [doctor, Account.objects.get(pk=doctor.pk + 1000)]

    def attempt(number):
        try:
            return patients.add(who[number % 2], name="").code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        codes = sorted(threads.map(attempt, range(24)))

    assert [int(code[-3:]) for code in codes] == list(range(24))


def test_a_doctor_has_a_thousand_patients_at_most(doctor, doctors_api):
    Patient.objects.bulk_create(
        Patient(doctor=doctor, code=f"many-{n}", name="") for n in range(1000)
    )

    refused = doctors_api.post(PATIENTS, {"name": "One more"})
    patients.remove(doctor.patients.first(), by=doctor.user)
    taken = doctors_api.post(PATIENTS, {"name": "One more"})

    assert (refused.status_code, taken.status_code) == (400, 201)
    assert refused.json()["code"] == "too_many_patients"


def test_of_two_thousandth_patients_one_is_taken(doctor):
    Patient.objects.bulk_create(
        Patient(doctor=doctor, code=f"many-{n}", name="") for n in range(999)
    )

    def attempt(_number):
        try:
            patients.add(doctor, name="")
        except patients.TooManyPatients:
            return "too many"
        finally:
            connections.close_all()
        return "taken"

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(attempt, range(4)))

    assert outcomes == ["taken", "too many", "too many", "too many"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "Lee", "code": 5}, "code"),
        ({"name": "Lee", "code": "a/b"}, "code"),
        ({"name": "Lee", "code": "x" * 65}, "code"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_422(doctors_api, body, field):
    response = doctors_api.post(PATIENTS, body)

    assert response.status_code == 422
    assert [p["loc"] for p in response.json()["detail"]] == [["body", field]]


def test_renaming(doctors_api, patient):
    response = doctors_api.put(path_of(patient), {"name": "Lim", "code": "other"})

    assert response.status_code == 200
    assert (response.json()["name"], response.json()["code"]) == ("Lim", patient.code)


@pytest.mark.parametrize("body", [{}, {"name": None}], ids=str)
def test_a_name_that_is_not_given_stays(doctors_api, patient, body):
    assert doctors_api.put(path_of(patient), body).json()["name"] == "Lee"


def test_removing(doctors_api, patient):
    removed = doctors_api.delete(path_of(patient))

    assert (removed.status_code, removed.content) == (204, b"")
    assert doctors_api.get(PATIENTS).json() == []
    assert doctors_api.delete(path_of(patient)).status_code == 404
    assert doctors_api.put(path_of(patient), {"name": "X"}).status_code == 404


def test_removing_cancels_the_live_session(doctors_api, patient, session):
    doctors_api.delete(path_of(patient))

    session.refresh_from_db()
    assert session.state == State.CANCELLED


def test_a_list_and_its_parts(doctors_api, doctor):
    made = [factories.patient(doctor, name=f"P{n}") for n in range(4)]

    def names(query):
        return [p["name"] for p in doctors_api.get(PATIENTS + query).json()]

    assert [p["id"] for p in doctors_api.get(PATIENTS).json()] == [p.pk for p in made]
    assert names("?limit=2") == ["P0", "P1"]
    assert names("?limit=2&offset=3") == ["P3"]
    assert names("?offset=2") == ["P2", "P3"]
    assert names("?limit=0") == []
    assert doctors_api.get(PATIENTS + "?limit=-1").status_code == 422
    assert doctors_api.get(PATIENTS + "?offset=x").status_code == 422


def test_a_list_takes_the_same_number_of_queries(doctors_api, doctor):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            doctors_api.get(PATIENTS)
        return len(captured)

    factories.patient(doctor)
    one = queries()
    factories.patient(doctor)
    factories.patient(doctor)

    assert queries() == one


# Who may


CALLS = [
    ("get", PATIENTS, None),
    ("post", PATIENTS, {"name": "Lee"}),
    ("put", PATIENTS + "/{}", {"name": "Lim"}),
    ("delete", PATIENTS + "/{}", None),
    ("get", "/diagnosis/headsets", None),
]
each_call = pytest.mark.parametrize(("method", "path", "body"), CALLS)


@each_call
def test_nobody_is_401(api, patient, method, path, body):
    response = getattr(api(), method)(path.format(patient.pk), body)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


@each_call
def test_who_is_no_doctor_is_403(api, patient, nurse, outsider, method, path, body):
    for user in (nurse.user, outsider):
        response = getattr(api(user), method)(path.format(patient.pk), body)

        assert response.status_code == 403
    assert Patient.objects.get().name == "Lee"
    assert Patient.objects.get().removed_at is None


@pytest.mark.parametrize(("method", "path", "body"), CALLS[2:4])
def test_a_colleagues_patients_are_hers(api, patient, colleague, method, path, body):
    client = api(colleague.user)

    response = getattr(client, method)(path.format(patient.pk), body)

    assert response.status_code == 403
    assert response.json()["code"] == "not_your_patient"
    assert client.get(PATIENTS).json() == []
    patient.refresh_from_db()
    assert (patient.name, patient.removed_at) == ("Lee", None)


def test_a_superuser_sees_and_changes_all(api, boss, patient):
    client = api(boss)

    assert [p["id"] for p in client.get(PATIENTS).json()] == [patient.pk]
    assert client.put(path_of(patient), {"name": "Lim"}).status_code == 200
    assert client.post(PATIENTS, {"name": "Own"}).status_code == 201
    assert client.delete(path_of(patient)).status_code == 204


@pytest.mark.parametrize(
    ("id", "status"),
    [("0", 404), ("-1", 404), (str(2**31), 404), ("9" * 40, 404), ("x", 422)],
)
def test_ids_that_nobody_has(doctors_api, id, status):
    assert doctors_api.delete(f"{PATIENTS}/{id}").status_code == status


def test_the_order_of_checks(api, nurse, colleague, patient):
    nobody, wrong_role, not_hers = api(), api(nurse.user), api(colleague.user)
    bad_field, no_json = b'{"name": 5}', b"{"

    def status(client, body, path=None):
        path = path or path_of(patient)
        return client.generic("PUT", path, body, "application/json").status_code

    assert status(nobody, no_json) == 422
    assert status(nobody, bad_field) == 401
    assert status(wrong_role, bad_field) == 422
    assert status(wrong_role, b"{}", PATIENTS + "/0") == 403
    assert status(not_hers, bad_field) == 422
    assert status(not_hers, b"{}", PATIENTS + "/0") == 404
    assert status(not_hers, b"{}") == 403


def test_there_is_no_single_patient_to_get(doctors_api, patient):
    assert doctors_api.get(path_of(patient)).status_code == 405


def test_the_old_prefix_and_a_slash_do_no_harm(doctors_api, patient):
    for path in ("/diagnosis/api/patients", "/diagnosis/patients/"):
        assert [p["id"] for p in doctors_api.get(path).json()] == [patient.pk]


def test_present_headsets(api, doctors_api, colleague, session):
    factories.patient(session.doctor)  # whose headset is away

    assert doctors_api.get("/diagnosis/headsets").json() == {
        "patient_ids": [session.patient_id]
    }
    assert api(colleague.user).get("/diagnosis/headsets").json() == {"patient_ids": []}
