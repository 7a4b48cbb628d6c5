"""The headset's socket: who is let in, who is the newest, what is said to whom."""

import asyncio

import pytest
from django.test import Client

from config.realtime import in_thread
from diagnosis import headsets, patients, presence, sessions
from diagnosis.models import HeadsetToken
from tests import factories
from tests.diagnosis.headset import Headset, eventually


def path_of(patient):
    return f"/diagnosis/ws/diagnosis/{patient.code}"


@pytest.fixture
def headset(socket, _close_connections):
    """Return a headset of a patient, with the rights of a user or of headers."""

    def make(patient, user=None, headers=(), path=None):
        return Headset(socket(path or path_of(patient), user, headers))

    return make


@pytest.fixture
def connected(headset, doctor):
    """Return a headset that is connected, with the doctor's rights."""

    async def make(patient, path=None):
        one = headset(patient, doctor.user, path=path)
        assert (await one.connect())[0]
        return one

    return make


def bearer(text):
    return [(b"authorization", f"Bearer {text}".encode())]


def begin(patient, doctor=None):
    return in_thread(
        sessions.start,
        doctor=doctor or patient.doctor,
        patient=patient,
        type="FITBOX",
        level=2,
    )


async def present(patient):
    return await in_thread(presence.connected, [patient.pk]) == [patient.pk]


async def absent(patient):
    return not await present(patient)


# Who is let in


async def test_the_patients_doctor_and_a_superuser(headset, patient, doctor, boss):
    for user in (doctor.user, boss):
        connected, _ = await headset(patient, user).connect()

        assert connected is True


async def test_strangers_are_refused(headset, patient, colleague, nurse, outsider):
    for user in (colleague.user, nurse.user, outsider):
        connected, status = await headset(patient, user).connect()

        assert (connected, status) == (False, 4403)
    assert await absent(patient)


async def test_the_code_alone_is_not_enough(headset, patient):
    connected, status = await headset(patient).connect()

    assert (connected, status) == (False, 4401)


async def test_a_strangers_refusal_tells_nothing_of_codes(headset, patient, outsider):
    unknown = "/diagnosis/ws/diagnosis/no-such"

    answers = [
        await headset(patient, user, path=path).connect()
        for user in (None, outsider)
        for path in (None, unknown)
    ]

    assert answers == [(False, 4401)] * 2 + [(False, 4403)] * 2


async def test_the_code_alone_where_settings_say_so(headset, patient, settings):
    settings.DIAGNOSIS_CODE_ONLY_SOCKETS = True

    known = await headset(patient).connect()
    unknown = await headset(patient, path="/diagnosis/ws/diagnosis/no-such").connect()

    assert known[0] is True
    assert unknown == (False, 4403)  # HTTP 403, as the original answers


@pytest.mark.parametrize("way", ["header", "query", "subprotocol"])
async def test_a_headset_token_opens_one_patients_socket(headset, patient, way):
    _row, token = await in_thread(headsets.issue, patient, "Room 2")
    other = await in_thread(factories.patient)

    def come(to):
        if way == "header":
            return headset(to, headers=bearer(token))
        if way == "query":
            return headset(to, path=f"{path_of(to)}?token={token}")
        one = headset(to)
        one.socket.scope["subprotocols"] = ["bearer", token]
        return one

    assert (await come(patient).connect())[0] is True
    assert await come(other).connect() == (False, 4401)
    used = await in_thread(HeadsetToken.objects.get)
    assert used.last_used_at is not None
    assert token not in str(used.__dict__)


async def test_a_revoked_token_opens_nothing_and_closes_its_socket(headset, patient):
    row, token = await in_thread(headsets.issue, patient)
    other, _text = await in_thread(headsets.issue, patient)
    one = headset(patient, headers=bearer(token))
    await one.connect()

    await in_thread(headsets.revoke, other)
    assert await one.is_quiet()
    await in_thread(headsets.revoke, row)

    assert await one.closed() == 4401
    await one.leave()
    assert await eventually(lambda: absent(patient))
    assert await headset(patient, headers=bearer(token)).connect() == (False, 4401)


async def test_the_page_is_let_in_by_its_own_session(headset, patient, doctor):
    client = Client()
    await in_thread(client.force_login, doctor.user)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    page = [(b"cookie", cookie), (b"host", b"clinic"), (b"origin", b"http://clinic")]

    connected, _ = await headset(patient, headers=page).connect()
    elsewhere = [*page[:2], (b"origin", b"http://evil")]

    assert connected is True
    assert await headset(patient, headers=elsewhere).connect() == (False, 4401)


async def test_codes_cannot_be_tried_out(headset, patient, doctor):
    for number in range(30):
        guess = headset(None, path=f"/diagnosis/ws/diagnosis/{number:03d}-000")
        assert await guess.connect() == (False, 4401)

    assert await headset(patient, doctor.user).connect() == (False, 4429)


async def test_a_removed_patient_has_no_socket(connected, headset, patient, doctor):
    one = await connected(patient)

    await in_thread(patients.remove, patient, by=doctor.user)

    assert await one.closed() == 4404
    assert await headset(patient, doctor.user).connect() == (False, 4403)


async def test_the_old_prefix_does_no_harm(connected, patient):
    await connected(patient, f"/diagnosis/api/ws/diagnosis/{patient.code}")

    assert await present(patient)


USER_AGENTS = {
    "VRClient/1.0": True,
    "Mozilla/5.0": False,
    "VR-Client/1.0": False,
    "vrclient": False,
    "": False,
    "curl/7.68.0 VRClient": False,
}


@pytest.mark.parametrize(("agent", "let_in"), USER_AGENTS.items())
async def test_programs_that_are_let_in(
    headset, patient, doctor, settings, client, agent, let_in
):
    settings.VR_CLIENT_USER_AGENTS = ["VRClient"]
    settings.VR_CLIENT_BLOCKED_USER_AGENTS = ["curl"]

    one = headset(patient, doctor.user, [(b"user-agent", agent.encode())])
    page = await in_thread(
        client.get, "/diagnosis/test/mock-vr", headers={"user-agent": agent}
    )

    assert await one.connect() == (let_in, None if let_in else 4403)
    assert page.status_code == (200 if let_in else 403)


# Presence, and the newest


async def test_presence_lasts_as_long_as_the_socket(connected, patient):
    one = await connected(patient)
    assert await present(patient)

    await one.leave()

    assert await eventually(lambda: absent(patient))


async def test_the_newest_headset_wins(connected, patient):
    first = await connected(patient)
    second = await connected(patient)

    assert await first.receive() == ("s_force_disconnect", None)
    assert await first.closed() == 4409
    await first.leave()
    assert await present(patient)  # the second's
    session = await begin(patient)
    assert (await second.receive())[1]["diagnosis_id"] == session.pk


async def test_of_many_headsets_at_once_one_stays(connected, patient):
    many = await asyncio.gather(*(connected(patient) for _ in range(8)))

    told = [one for one in many if not await one.is_quiet(0.3)]
    assert [await one.receive() for one in told] == [("s_force_disconnect", None)] * 7
    for one in told:
        await one.leave()
    assert await present(patient)


async def test_a_headset_that_missed_its_successor_gives_way(
    connected, patient, monkeypatch
):
    monkeypatch.setattr(presence, "RENEWAL_SECONDS", 0.2)
    one = await connected(patient)

    await in_thread(presence.arrive, patient.pk)  # and nobody told it

    assert await one.receive() == ("s_force_disconnect", None)


async def test_presence_is_renewed(connected, patient, monkeypatch):
    monkeypatch.setattr(presence, "RENEWAL_SECONDS", 0.1)
    monkeypatch.setattr(presence, "KEPT_MS", 500)
    await connected(patient)

    await asyncio.sleep(1)

    assert await present(patient)


async def test_a_handshake_that_breaks_leaves_nobody_present(
    headset, patient, doctor, monkeypatch
):
    monkeypatch.setattr(presence, "RENEWAL_SECONDS", 0.1)
    monkeypatch.setattr(presence, "KEPT_MS", 300)
    monkeypatch.setattr(sessions, "ready_for", lambda _patient_id: 1 / 0)

    assert await headset(patient, doctor.user).connect() == (False, 1011)
    assert await eventually(lambda: absent(patient), 2)


async def test_presence_without_renewal_ends(patient, transactional_db, monkeypatch):
    monkeypatch.setattr(presence, "KEPT_MS", 200)
    await in_thread(presence.arrive, patient.pk)
    assert await present(patient)

    assert await eventually(lambda: absent(patient), 2)


async def test_numbers_rise_also_when_valkey_starts_anew(patient):
    first = await in_thread(presence.arrive, patient.pk)
    second = await in_thread(presence.arrive, patient.pk)
    await in_thread(presence.leave, patient.pk, second)
    third = await in_thread(presence.arrive, patient.pk)

    assert first < second < third
    await in_thread(presence.leave, patient.pk, first)
    assert await present(patient)
    assert await in_thread(presence.renew, patient.pk, first) is False
    assert await in_thread(presence.renew, patient.pk, third) is True
