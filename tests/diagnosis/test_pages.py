"""The doctors' pages as each kind of person is given them; looks are logged."""

import pytest

from diagnosis import patients
from diagnosis.models import RecordRead
from tests import factories
from tests.diagnosis.test_records_rest import record
from tests.test_pages import inline_parts

HOME = "/diagnosis/"
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def _stored(disk):
    """On disk, in a folder of each test's own."""


@pytest.fixture
def pages(patient):
    """The addresses of all pages, of a patient with one record."""
    session = record(patient)
    return [
        HOME,
        f"/diagnosis/patient/{patient.pk}",
        f"/diagnosis/record/{session.pk}",
    ]


def test_programs_are_told_the_version(client, db):
    for accept in ("*/*", "application/json", ""):
        response = client.get(HOME, headers={"accept": accept})

        assert response.json() == {"version": "1.1.1"}


def test_doctors_see_their_pages(client, doctor, pages):
    client.force_login(doctor.user)

    for path in pages:
        response = client.get(path, headers=PAGE)

        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/html")
        assert inline_parts(response.content.decode()) == []


def test_pages_speak_korean(client, doctor, pages):
    client.force_login(doctor.user)

    for path, word in zip(pages, ["진료실", "추이", "통계"], strict=True):
        html = client.get(path, headers={**PAGE, "accept-language": "ko"})

        assert word in html.content.decode()


def test_nobody_is_asked_to_sign_in(client, pages):
    for path in pages:
        response = client.get(path, headers=PAGE)

        assert response.status_code == 302
        assert response["Location"] == f"/sign-in/?next={path}"


def test_others_of_the_clinic_see_no_page(client, nurse, outsider, pages):
    for user in (nurse.user, outsider):
        client.force_login(user)
        for path in pages:
            response = client.get(path, headers=PAGE)
            assert response.status_code == 403
            assert "Only doctors may do this." in response.content.decode()


def test_a_colleague_sees_her_own_clinic_alone(client, colleague, pages):
    client.force_login(colleague.user)

    answers = [client.get(path, headers=PAGE).status_code for path in pages]

    assert answers == [200, 403, 403]


def test_a_superuser_sees_all(client, boss, pages):
    client.force_login(boss)

    assert {client.get(path, headers=PAGE).status_code for path in pages} == {200}


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30])
def test_what_is_not_there_has_a_page_that_says_so(client, doctor, number):
    client.force_login(doctor.user)

    for kind in ("patient", "record"):
        response = client.get(f"/diagnosis/{kind}/{number}", headers=PAGE)

        assert response.status_code == 404
        assert response["Content-Type"].startswith("text/html")


def test_sessions_without_a_record_and_removed_patients_have_no_page(
    client, doctor, patient, pages
):
    client.force_login(doctor.user)
    waiting = factories.session(patient)
    assert client.get(f"/diagnosis/record/{waiting.pk}").status_code == 404

    patients.remove(patient, by=doctor.user)
    assert [client.get(path).status_code for path in pages[1:]] == [404, 404]


def test_a_page_itself_shows_no_result(client, doctor, pages):
    client.force_login(doctor.user)

    html = client.get(pages[2], headers=PAGE).content.decode()

    assert "850" not in html
    assert RecordRead.objects.count() == 0  # its script asks the API, which logs
