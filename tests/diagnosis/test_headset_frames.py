"""What is said over the headset's socket, to whom, and what wrong frames do."""

import pytest

from config.realtime import in_thread
from diagnosis import sessions, tasks
from diagnosis.models import State
from tests import factories
from tests.diagnosis.headset import eventually
from tests.diagnosis.test_headsets import begin, connected, headset, present
from tests.diagnosis.test_sessions import run_out, state_of

__all__ = ["connected", "headset"]


# The conversation


async def test_a_session_from_start_to_stop(connected, patient, doctor):
    one = await connected(patient)

    session = await begin(patient)
    order = {"diagnosis_id": session.pk, "type": "FITBOX", "level": 2}
    assert await one.receive() == ("s_start_diagnosis", order)
    await one.send("c_diagnosis_started", diagnosis_id=session.pk)
    assert await eventually(
        lambda: in_thread(lambda: state_of(session) == State.STARTED)
    )
    await in_thread(sessions.cancel, session.pk, by=doctor.user)

    assert await one.receive() == ("s_stop_diagnosis", None)
    assert await one.is_quiet()


async def test_a_headset_is_told_again_while_the_session_waits(connected, patient):
    first = await connected(patient)
    session = await begin(patient)
    await first.leave()

    second = await connected(patient)
    assert (await second.receive())[1]["diagnosis_id"] == session.pk
    assert await second.is_quiet()  # once, though it also heard of it
    await second.send("c_diagnosis_started", diagnosis_id=session.pk)
    assert await eventually(
        lambda: in_thread(lambda: state_of(session) == State.STARTED)
    )
    await second.leave()

    third = await connected(patient)
    assert await third.is_quiet()


async def test_losing_the_socket_changes_nothing(connected, patient):
    one = await connected(patient)
    session = await begin(patient)
    await one.leave()

    assert await in_thread(state_of, session) == State.READY


async def test_a_headset_is_told_of_expiry(connected, patient):
    one = await connected(patient)
    session = await begin(patient)
    await one.receive()
    await in_thread(run_out, session)

    await in_thread(tasks.expire_sessions)

    assert await one.receive() == ("s_stop_diagnosis", None)


async def test_a_headset_may_fail(connected, patient):
    one = await connected(patient)
    session = await begin(patient)
    await one.receive()

    await one.send("c_diagnosis_failed", diagnosis_id=session.pk)

    assert await eventually(
        lambda: in_thread(lambda: state_of(session) == State.FAILED)
    )
    assert session.reason == "The headset could not run the test."
    assert await one.is_quiet()


async def test_many_sessions_over_one_socket(connected, patient, doctor):
    one = await connected(patient)

    for _ in range(3):
        session = await begin(patient)
        assert (await one.receive())[1]["diagnosis_id"] == session.pk
        await in_thread(sessions.cancel, session.pk, by=doctor.user)
        assert await one.receive() == ("s_stop_diagnosis", None)


async def test_only_the_own_headset_hears(connected, headset, patient, doctor):
    neighbour = await in_thread(factories.patient, doctor)
    other = await connected(neighbour)
    one = await connected(patient)

    session = await begin(patient)

    assert (await one.receive())[1]["diagnosis_id"] == session.pk
    assert await other.is_quiet()


@pytest.mark.parametrize("action", ["c_diagnosis_started", "c_diagnosis_failed"])
async def test_a_headset_acts_on_its_own_sessions_alone(
    connected, patient, doctor, action
):
    other = await connected(await in_thread(factories.patient, doctor))
    await connected(patient)
    session = await begin(patient)

    await other.send(action, diagnosis_id=session.pk)

    action, data = await other.receive()
    assert (action, data["code"]) == ("s_error", "unknown_session")
    assert await in_thread(state_of, session) == State.READY


WRONG = {
    "no JSON": ("not json", "bad_frame"),
    "empty": ("", "bad_frame"),
    "a list": ("[]", "bad_frame"),
    "no action": ('{"data": {}}', "bad_frame"),
    "nested without end": ("[" * 100_000, "bad_frame"),
    "an action that is none": ('{"action": 5}', "bad_frame"),
    "an unknown action": ('{"action": "c_dance", "data": {}}', "unknown_action"),
    "no data": ('{"action": "c_diagnosis_started"}', "bad_data"),
    "null": ('{"action": "c_diagnosis_started", "data": null}', "bad_data"),
    "no id": ('{"action": "c_diagnosis_started", "data": {}}', "bad_data"),
    "an id that is true": (
        '{"action": "c_diagnosis_started", "data": {"diagnosis_id": true}}',
        "bad_data",
    ),
    "an id with a fraction": (
        '{"action": "c_diagnosis_started", "data": {"diagnosis_id": 1.5}}',
        "bad_data",
    ),
    "an id beyond all": (
        '{"action": "c_diagnosis_started",'
        ' "data": {"diagnosis_id": 9223372036854775807}}',
        "unknown_session",
    ),
    "no file": (
        '{"action": "c_upload_result", "data": {"diagnosis_id": 1}}',
        "bad_data",
    ),
    "half a character": (
        '{"action": "c_upload_result", "data":'
        ' {"diagnosis_id": 1, "file_content": "\\ud83d"}}',
        "bad_data",
    ),
}


@pytest.mark.parametrize(("frame", "code"), WRONG.values(), ids=WRONG)
async def test_wrong_frames_are_answered_and_end_nothing(
    connected, patient, frame, code
):
    one = await connected(patient)
    session = await begin(patient)
    await one.receive()

    await one.socket.send_input({"type": "websocket.receive", "text": frame})

    action, data = await one.receive()
    assert (action, data["code"]) == ("s_error", code)
    assert isinstance(data["detail"], str)
    assert await in_thread(state_of, session) == State.READY
    assert await present(patient)
    await one.send("c_diagnosis_started", diagnosis_id=str(session.pk))
    assert await eventually(
        lambda: in_thread(lambda: state_of(session) == State.STARTED)
    )


async def test_a_binary_frame_is_no_frame(connected, patient):
    one = await connected(patient)

    await one.socket.send_to(bytes_data=b'{"action": "c_diagnosis_started"}')

    assert (await one.receive())[1]["code"] == "bad_frame"
