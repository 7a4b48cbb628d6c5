"""The operators' desk: what it shows of patients to whom, and what it does."""

import re

import pytest
from django.contrib.auth.models import Permission

from diagnosis import headsets, presence
from diagnosis.models import Account, HeadsetToken, Patient, Role, State
from tests import factories

DESK = "/admin/diagnosis/"
LISTS = ["account/", "patient/", "testsession/", "headsettoken/"]


@pytest.fixture
def desk(client, boss):
    client.force_login(boss)
    return client


@pytest.fixture
def operator(client, transactional_db):
    """Return a browser of an operator with these permissions of diagnosis."""

    def browser(*codenames):
        user = factories.user("desk@example.com", urole="admin")
        user.user_permissions.set(
            Permission.objects.filter(
                content_type__app_label="diagnosis", codename__in=codenames
            )
        )
        client.force_login(user)
        return client

    return browser


def act(browser, page, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return browser.post(DESK + page, data, follow=True)


@pytest.mark.parametrize("page", LISTS)
def test_every_list_opens(desk, session, page):
    headsets.issue(session.patient, "Room 2")

    assert desk.get(DESK + page).status_code == 200


@pytest.mark.parametrize("page", LISTS)
def test_an_operator_without_permission_sees_nothing(operator, session, page):
    assert operator().get(DESK + page).status_code == 403


@pytest.mark.parametrize("permission", [True, False])
def test_names_are_for_those_who_may_read_them(operator, patient, permission):
    Patient.objects.update(name="Honggildong")
    rights = ["view_patient", "change_patient"]
    browser = operator(*rights, *(["read_patient_names"] if permission else []))

    pages = [
        browser.get(DESK + "patient/"),
        browser.get(f"{DESK}patient/{patient.pk}/change/"),
    ]
    found = browser.get(DESK + "patient/?q=Honggildong")

    for page in pages:
        assert patient.code in page.content.decode()
        assert ("Honggildong" in page.content.decode()) is permission
    assert (patient.code in found.content.decode()) is permission


def test_a_person_becomes_a_doctor(desk, outsider, api):
    form = {"user": outsider.pk, "login_id": "", "role": Role.DOCTOR}

    desk.post(DESK + "account/add/", form)
    desk.post(DESK + "account/add/", {**form, "user": factories.user("b@x.org").pk})

    assert Account.objects.filter(login_id=None, role=Role.DOCTOR).count() == 2
    assert api(outsider).get("/diagnosis/patients").status_code == 200


def test_the_headset_of_a_patient_is_shown(desk, patient):
    def shown():
        page = desk.get(DESK + "patient/").content.decode()
        return "Connected" in page or "connected" in page

    assert not shown()
    presence.arrive(patient.pk)
    assert shown()


def test_patients_are_removed_not_deleted(desk, patient, session):
    act(desk, "patient/", "remove", patient)

    patient.refresh_from_db()
    session.refresh_from_db()
    assert patient.removed_at is not None
    assert session.state == State.CANCELLED
    assert patient.code not in desk.get(DESK + "patient/").content.decode()
    assert patient.code in desk.get(DESK + "patient/?care=removed").content.decode()
    assert desk.get(f"{DESK}patient/{patient.pk}/delete/").status_code == 403


def test_a_session_is_read_with_its_transitions(desk, session):
    act(desk, "testsession/", "cancel", session)

    page = desk.get(f"{DESK}testsession/{session.pk}/change/").content.decode()
    session.refresh_from_db()
    assert session.state == State.CANCELLED
    assert session.transitions.last().user.email == "boss@example.com"
    assert "cancelled" in page
    assert "boss@example.com" in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize(
    ("page", "action"), [("testsession/", "cancel"), ("patient/", "remove")]
)
def test_who_may_only_look_changes_nothing(operator, session, page, action):
    browser = operator("view_testsession", "view_patient")
    row = session if page == "testsession/" else session.patient

    act(browser, page, action, row)

    session.refresh_from_db()
    assert session.state == State.READY


def test_a_token_is_shown_once_and_revoked(desk, patient):
    form = {"patient": patient.pk, "name": "Room 2"}

    made = desk.post(DESK + "headsettoken/add/", form, follow=True).content.decode()
    later = desk.get(DESK + "headsettoken/").content.decode()
    row = HeadsetToken.objects.get()
    act(desk, "headsettoken/", "revoke", row)

    text = re.search(headsets.PREFIX + r"[\w-]{43}", made)[0]
    assert text not in later
    assert row.sha256 == headsets._sha256(text)
    assert row.name == "Room 2"
    row.refresh_from_db()
    assert row.revoked_at is not None
