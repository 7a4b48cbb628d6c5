"""Recordings on their way: whole, in pieces, interrupted, and against a cancel."""

import base64
import hashlib

import pytest

from config.realtime import in_thread
from diagnosis import recordings, sessions, uploads
from diagnosis.models import Recording, State, Upload, UploadPiece
from tests import factories
from tests.diagnosis.headset import eventually
from tests.diagnosis.test_headsets import begin, connected, headset
from tests.diagnosis.test_sessions import at_once, run_out, state_of

__all__ = ["connected", "headset"]

CSV = (
    b"current_time,Score,State\n2025-01-24 14:24:44.1,3,0\n2025-01-24 14:24:45.1,4,1\n"
)
SHA256 = hashlib.sha256(CSV).hexdigest()


@pytest.fixture(autouse=True)
def _disk(disk):
    """Recordings lie in a folder of each test's own."""


@pytest.fixture
def line(connected, patient):
    """Return a connected headset and the session it was told to start."""

    async def make():
        one = await connected(patient)
        session = await begin(patient)
        await one.receive()
        return one, session

    return make


def sha256(content):
    return hashlib.sha256(content).hexdigest()


async def say(one, action, **data):
    """Send an action and return the answer."""
    await one.send(action, **data)
    return await one.receive()


def send_whole(one, session):
    content = CSV.decode()
    return one.send("c_upload_result", diagnosis_id=session.pk, file_content=content)


def announce(one, session, content=CSV):
    return say(
        one,
        "c_upload_begin",
        diagnosis_id=session.pk,
        size=len(content),
        sha256=sha256(content),
    )


def piece(one, session, start, part, **changes):
    data = {
        "diagnosis_id": session.pk,
        "offset": start,
        "sha256": sha256(part),
        "content": base64.b64encode(part).decode(),
    }
    return say(one, "c_upload_chunk", **{**data, **changes})


def end(one, session):
    return say(one, "c_upload_end", diagnosis_id=session.pk)


async def refusal(answer):
    action, data = await answer
    assert action == "s_error"
    return data["code"]


def is_received(session):
    return Recording.objects.filter(session=session).exists()


# In one frame


async def test_a_whole_recording_is_stored_and_scored(line):
    one, session = await line()

    await one.send(
        "c_upload_result", diagnosis_id=session.pk, file_content=CSV.decode()
    )

    assert await eventually(lambda: in_thread(is_received, session))
    assert await one.is_quiet()  # no acknowledgement
    recording = await in_thread(Recording.objects.get)
    assert (recording.size, recording.sha256) == (len(CSV), SHA256)
    await in_thread(recordings.score, recording.pk)
    assert await in_thread(state_of, session) == State.COMPLETED


async def test_an_unusable_recording_fails_and_says_why(line):
    one, session = await line()
    await one.send("c_upload_result", diagnosis_id=session.pk, file_content="")
    assert await eventually(lambda: in_thread(is_received, session))

    await in_thread(recordings.score, session.pk)

    action, data = await one.receive()
    assert await in_thread(state_of, session) == State.FAILED
    assert (action, data["code"]) == ("s_error", "recording_unusable")
    assert data["detail"] == session.reason


async def test_the_limit_is_counted_in_bytes(line, settings):
    settings.DIAGNOSIS_UPLOAD_BYTES = 10
    one, session = await line()

    await one.send("c_upload_result", diagnosis_id=session.pk, file_content="한글한글")

    action, data = await one.receive()
    assert (action, data["code"]) == ("s_error", "too_large")
    assert await in_thread(state_of, session) == State.FAILED
    assert session.reason == "The recording is too large."
    assert not await in_thread(is_received, session)


async def test_a_recording_of_the_limit_is_taken(line, settings):
    settings.DIAGNOSIS_UPLOAD_BYTES = len(CSV)
    one, session = await line()

    await one.send(
        "c_upload_result", diagnosis_id=session.pk, file_content=CSV.decode()
    )

    assert await eventually(lambda: in_thread(is_received, session))


async def test_ended_sessions_take_nothing(line, doctor):
    one, session = await line()
    await in_thread(sessions.cancel, session.pk, by=doctor.user)
    await one.receive()

    await one.send(
        "c_upload_result", diagnosis_id=session.pk, file_content=CSV.decode()
    )

    assert (await one.receive())[1]["code"] == "session_ended"
    assert await in_thread(state_of, session) == State.CANCELLED
    assert not await in_thread(is_received, session)


async def test_anothers_session_takes_nothing(line, connected, doctor):
    _own, session = await line()
    other = await connected(await in_thread(factories.patient, doctor))

    for answer in (
        say(other, "c_upload_result", diagnosis_id=session.pk, file_content="x"),
        announce(other, session),
        piece(other, session, 0, CSV),
        end(other, session),
    ):
        assert await refusal(answer) == "unknown_session"
    assert not await in_thread(is_received, session)


# In pieces


async def test_pieces_make_a_recording(line):
    one, session = await line()
    half = len(CSV) // 2

    ready = await announce(one, session)
    first = await piece(one, session, 0, CSV[:half])
    second = await piece(one, session, half, CSV[half:])
    done = await end(one, session)

    about = {"diagnosis_id": session.pk}
    assert ready == ("s_upload_ready", {**about, "offset": 0})
    assert first == (
        "s_upload_stored",
        {**about, "offset": half, "sha256": sha256(CSV[:half])},
    )
    assert second[1]["offset"] == len(CSV)
    assert done == ("s_upload_done", {**about, "size": len(CSV), "sha256": SHA256})
    recording = await in_thread(Recording.objects.get)
    assert recording.sha256 == SHA256
    assert await in_thread(UploadPiece.objects.count) == 0
    await in_thread(recordings.score, recording.pk)
    assert await in_thread(state_of, session) == State.COMPLETED


async def test_an_upload_goes_on_after_a_lost_line(line, connected, patient):
    one, session = await line()
    await announce(one, session)
    await piece(one, session, 0, CSV[:30])
    await one.leave()

    again = await connected(patient)
    await again.receive()  # the session still waits
    ready = await announce(again, session)
    await piece(again, session, 30, CSV[30:])
    done = await end(again, session)

    assert ready[1]["offset"] == 30
    assert done[0] == "s_upload_done"


async def test_a_lost_acknowledgement_of_the_end_is_given_again(
    line, connected, patient
):
    one, session = await line()
    await announce(one, session)
    await piece(one, session, 0, CSV)
    done = await end(one, session)
    await one.leave()

    again = await connected(patient)
    assert await announce(again, session) == done
    await in_thread(recordings.score, session.pk)
    assert await announce(again, session) == done
    assert await refusal(announce(again, session, b"another")) == "session_ended"


async def test_a_piece_that_is_sent_again_changes_nothing(line):
    one, session = await line()
    await announce(one, session)

    answers = [await piece(one, session, 0, CSV[:30]) for _ in range(3)]

    assert [data["offset"] for _action, data in answers] == [30] * 3
    assert await in_thread(UploadPiece.objects.count) == 1


async def test_another_recording_starts_anew(line):
    one, session = await line()
    await announce(one, session)
    await piece(one, session, 0, CSV[:30])

    ready = await announce(one, session, CSV + b"\n")

    assert ready[1]["offset"] == 0
    assert await in_thread(UploadPiece.objects.count) == 0


async def test_only_pieces_that_fit_are_taken(line, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE_BYTES", 40)
    one, session = await line()
    assert await refusal(piece(one, session, 0, CSV)) == "upload_not_begun"
    assert await refusal(end(one, session)) == "upload_not_begun"
    await announce(one, session)

    for code, answer in {
        "wrong_digest": piece(one, session, 0, CSV[:9], sha256=SHA256),
        "wrong_offset": piece(one, session, 5, CSV[:9]),
        "wrong_size": piece(one, session, 0, CSV[:41]),
        "upload_incomplete": end(one, session),
    }.items():
        assert await refusal(answer) == code
    for changes in ({"content": "%%%"}, {"sha256": "x"}, {"offset": -1}):
        assert await refusal(piece(one, session, 0, b"x", **changes)) == "bad_data"
    assert await in_thread(UploadPiece.objects.count) == 0


async def test_pieces_beyond_the_announced_size_are_refused(line):
    one, session = await line()
    await announce(one, session, CSV[:20])

    assert await refusal(piece(one, session, 0, CSV)) == "wrong_size"


async def test_pieces_that_make_another_file_are_dropped(line):
    one, session = await line()
    wrong = bytes(reversed(CSV))
    await announce(one, session)
    await piece(one, session, 0, wrong)

    assert await refusal(end(one, session)) == "wrong_digest"
    assert (await announce(one, session))[1]["offset"] == 0
    await piece(one, session, 0, CSV)
    assert (await end(one, session))[0] == "s_upload_done"


async def test_too_large_is_told_at_once(line, settings):
    settings.DIAGNOSIS_UPLOAD_BYTES = len(CSV) - 1
    one, session = await line()

    assert await refusal(announce(one, session)) == "too_large"
    assert await in_thread(state_of, session) == State.FAILED


async def test_an_end_of_the_session_drops_its_pieces(line, doctor):
    one, session = await line()
    await announce(one, session)
    await piece(one, session, 0, CSV[:30])

    await in_thread(sessions.cancel, session.pk, by=doctor.user)
    await one.receive()

    assert await refusal(piece(one, session, 30, CSV[30:])) == "session_ended"
    assert await refusal(end(one, session)) == "session_ended"
    assert await in_thread(UploadPiece.objects.count) == 0


async def test_an_upload_does_not_hold_off_expiry(line):
    one, session = await line()
    await announce(one, session)
    await in_thread(run_out, session)

    await one.send("c_upload_end", diagnosis_id=session.pk)

    assert await one.receive() == ("s_stop_diagnosis", None)
    assert await in_thread(state_of, session) == State.EXPIRED


# Races


def test_cancel_against_upload_leaves_one_truth(session, doctor):
    for number in range(8):
        if number:
            session = factories.session(session.patient)
        args = session.pk, session.patient_id
        outcomes = at_once(
            lambda args=args: uploads.take_whole(*args, CSV).pk,
            lambda pk=session.pk: sessions.cancel(pk, by=doctor.user),
        )

        assert outcomes[1] is None  # a cancel before the score always wins
        assert state_of(session) == State.CANCELLED
        assert is_received(session) == (outcomes[0] == session.pk)
        if is_received(session):
            recordings.score(session.pk)
            assert state_of(session) == State.CANCELLED


def test_cancel_against_pieces_leaves_none(session, doctor):
    for number in range(8):
        if number:
            session = factories.session(session.patient)
        args = session.pk, session.patient_id
        uploads.begin(*args, len(CSV), SHA256)
        uploads.add(*args, 0, CSV[:30], sha256(CSV[:30]))
        at_once(
            lambda args=args: uploads.add(*args, 30, CSV[30:], sha256(CSV[30:])),
            lambda pk=session.pk: sessions.cancel(pk, by=doctor.user),
        )

        assert state_of(session) == State.CANCELLED
        assert UploadPiece.objects.count() == 0


def test_the_same_piece_twice_at_once_is_stored_once(session):
    args = session.pk, session.patient_id
    uploads.begin(*args, len(CSV), SHA256)

    outcomes = at_once(*(lambda: uploads.add(*args, 0, CSV, SHA256) for _ in range(6)))

    assert outcomes == [len(CSV)] * 6
    assert UploadPiece.objects.count() == 1


def test_two_ends_at_once_make_one_recording(session):
    args = session.pk, session.patient_id
    uploads.begin(*args, len(CSV), SHA256)
    uploads.add(*args, 0, CSV, SHA256)

    outcomes = at_once(*(lambda: uploads.end(*args).pk for _ in range(4)))

    assert outcomes.count(session.pk) == 1
    assert outcomes.count(sessions.Ended) == 3
    assert Recording.objects.count() == 1


def test_beginning_twice_at_once_is_one_upload(session):
    args = session.pk, session.patient_id

    outcomes = at_once(
        *(lambda: uploads.begin(*args, len(CSV), SHA256) for _ in range(6))
    )

    assert outcomes == [(0, False)] * 6
    assert Upload.objects.count() == 1
