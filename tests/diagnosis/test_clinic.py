"""The socket of the doctors' pages: who is told what, at once; a patient's sessions."""

import asyncio
import json
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.utils import timezone

from config.realtime import in_thread
from diagnosis import clinic, patients, presence, recordings, sessions
from diagnosis.models import Role, State
from diagnosis.models import TestSession as Session
from tests import factories
from tests.diagnosis.headset import Headset
from tests.diagnosis.recordings import steps

PATH = "/diagnosis/ws/clinic"
SOON = 3


class Page:
    """A doctor's page at its socket."""

    def __init__(self, communicator):
        self.socket = communicator

    async def opened(self):
        """Connect and return the first frame, the clinic as it is."""
        assert (await self.socket.connect())[0]
        return await self.hears("clinic")

    async def hears(self, type):
        """Return the next frame of a type."""
        while True:
            frame = json.loads(await self.socket.receive_from(SOON))
            if frame["type"] == type:
                return frame


@pytest.fixture
def page(socket, doctor, _close_connections):
    """Return a page of the doctor, or of somebody else."""
    return lambda user=doctor.user, query="": Page(socket(PATH + query, user))


@pytest.fixture
def headset(socket, doctor):
    return lambda of: Headset(socket(f"/diagnosis/ws/diagnosis/{of.code}", doctor.user))


async def test_headsets_come_and_go(page, headset, patient):
    opened = page()
    frame = await opened.opened()
    assert frame.pop("now").endswith("+09:00")
    assert frame == {"type": "clinic", "headsets": [], "sessions": []}

    one = headset(patient)
    await one.connect()
    assert await opened.hears("headset") == {
        "type": "headset",
        "patient_id": patient.pk,
        "connected": True,
    }

    await one.leave()
    assert (await opened.hears("headset"))["connected"] is False


async def test_a_newer_headset_of_the_patient_stays_connected(page, headset, patient):
    opened = page()
    await opened.opened()

    older, newer = headset(patient), headset(patient)
    for one in (older, newer):
        await one.connect()
        assert (await opened.hears("headset"))["connected"] is True

    await older.leave()
    assert (await opened.hears("headset"))["connected"] is True


async def test_who_opens_later_sees_how_it_is(page, patient, session):
    frame = await page().opened()

    assert frame["headsets"] == [patient.pk]
    (shown,) = frame["sessions"]
    assert shown["id"] == session.pk
    assert shown["patient_id"] == patient.pk
    assert (shown["type"], shown["level"]) == ("BALANCEBALL", 2)
    assert shown["state"] == "READY"
    assert shown["expired_at"].endswith("+09:00")
    assert [change["state"] for change in shown["changes"]] == ["READY"]


async def test_a_session_from_start_to_score(page, patient, doctor, disk):
    presence.arrive(patient.pk)
    opened = page()
    await opened.opened()

    session = await in_thread(
        sessions.start, doctor=doctor, patient=patient, type="BALANCEBALL", level=1
    )
    assert (await opened.hears("session"))["session"]["state"] == "READY"

    await in_thread(sessions.begin, session.pk, patient.pk)
    assert (await opened.hears("session"))["session"]["state"] == "STARTED"

    await in_thread(recordings.take, session, steps(0, 1, 2))
    frame = await opened.hears("session")
    assert frame["session"]["state"] == "STARTED"
    assert frame["session"]["received_at"] is not None

    await in_thread(recordings.score, session.pk)
    frame = await opened.hears("session")
    assert [c["state"] for c in frame["session"]["changes"]] == [
        *("READY", "STARTED", "COMPLETED"),
    ]


async def test_reasons_are_told_in_the_readers_language(page, patient, session, disk):
    opened = page(query="?language=ko")
    await opened.opened()

    await in_thread(recordings.take, session, b"nothing")
    await in_thread(recordings.score, session.pk)

    while (frame := await opened.hears("session"))["session"]["state"] != "FAILED":
        pass
    reason = frame["session"]["reason"]
    assert reason
    assert not reason.isascii()


async def test_doctors_hear_of_their_own_patients_alone(
    page, headset, patient, colleague, boss
):
    hers, others, all_of_them = page(), page(colleague.user), page(boss)
    for opened in (hers, others, all_of_them):
        await opened.opened()

    await headset(patient).connect()

    assert (await hers.hears("headset"))["patient_id"] == patient.pk
    assert (await all_of_them.hears("headset"))["patient_id"] == patient.pk
    assert await others.socket.receive_nothing(0.3)


async def test_strangers_are_turned_away(page, nurse, outsider):
    for user, code in ((nurse.user, 4403), (outsider, 4403), (None, 4401)):
        opened = page(user)
        await opened.socket.connect()
        message = await opened.socket.receive_output(SOON)
        assert (message["type"], message["code"]) == ("websocket.close", code)


async def test_a_headset_whose_process_was_killed_is_missed(page, patient, monkeypatch):
    monkeypatch.setattr("diagnosis.consumers.LOOK_SECONDS", 0.05)
    number = presence.arrive(patient.pk)
    opened = page()
    assert (await opened.opened())["headsets"] == [patient.pk]

    presence.leave(patient.pk, number)  # and nobody tells

    async with asyncio.timeout(SOON):
        while (await opened.hears("clinic"))["headsets"]:
            pass


async def test_who_is_a_doctor_no_more_is_shown_out(page, doctor, monkeypatch):
    monkeypatch.setattr("diagnosis.consumers.LOOK_SECONDS", 0.05)
    opened = page()
    await opened.opened()

    doctor.role = Role.NURSE
    await in_thread(doctor.save)

    message = {"type": ""}
    while message["type"] != "websocket.close":
        message = await opened.socket.receive_output(SOON)
    assert message["code"] == 4403


# A patient's sessions


def sessions_path(patient):
    return f"/diagnosis/patients/{patient.pk}/sessions"


def test_a_patients_sessions_however_they_ended(api, doctor, patient, session):
    sessions.give_up(session.pk, patient.pk, "The headset could not run the test.")
    later = factories.session(patient)
    Session.objects.filter(pk=later.pk).update(expired_at=timezone.now())

    client = api(doctor.user)
    client.credentials(**client._credentials, HTTP_ACCEPT_LANGUAGE="ko")
    found = client.get(sessions_path(patient)).json()

    assert [row["state"] for row in found] == ["EXPIRED", "FAILED"]
    assert found[1]["reason"] == "헤드셋이 검사를 실행하지 못했습니다."
    assert len(client.get(sessions_path(patient) + "?limit=1").json()) == 1


def test_sessions_take_the_same_queries_however_many(
    api, doctor, patient, django_assert_num_queries
):
    client = api(doctor.user)

    def add():
        session = factories.session(patient)
        sessions.cancel(session.pk, by=doctor.user)

    add()
    with django_assert_num_queries(7):
        client.get(sessions_path(patient))
    for _more in range(3):
        add()
    with django_assert_num_queries(7):
        assert len(client.get(sessions_path(patient)).json()) == 4


def test_sessions_are_for_the_patients_doctor(api, patient, colleague, nurse, boss):
    path = sessions_path(patient)

    assert api().get(path).status_code == 401
    assert api(colleague.user).get(path).status_code == 403
    assert api(nurse.user).get(path).status_code == 403
    assert api(boss).get(path).status_code == 200
    assert api(boss).get("/diagnosis/patients/x/sessions").status_code == 422
    patients.remove(patient, by=boss)
    assert api(boss).get(path).status_code == 404


# The home page, and the group


def test_the_figures_of_the_home_page(patient, disk):
    assert clinic.state_now()["state"] == "idle"

    session = factories.session(patient)
    now = clinic.state_now()
    assert (now["state"], [value for _label, value in now["figures"]]) == (
        "live",
        [1, 0],
    )

    recordings.take(session, steps(0, 1, 2))
    recordings.score(session.pk)
    now = clinic.state_now()
    assert (now["state"], [value for _label, value in now["figures"]]) == (
        "idle",
        [0, 1],
    )
    assert Session.objects.get().state == State.COMPLETED


def test_clinic_staff_see_to_the_desk(client, patient):
    staff = factories.user("desk@example.com", urole="admin")
    # The tests' database was emptied since its migrations.
    import_module("diagnosis.migrations.0003_clinic_staff").make_group(apps, None)
    staff.groups.add(Group.objects.get(name="Clinic staff"))
    client.force_login(staff)

    assert patient.name in client.get("/admin/diagnosis/patient/").content.decode()
    for name in ("account", "testsession", "recording", "result", "recordread"):
        assert client.get(f"/admin/diagnosis/{name}/").status_code == 200
    assert client.get("/admin/diagnosis/headsettoken/add/").status_code == 200
    assert client.get("/admin/diagnosis/account/add/").status_code == 403
