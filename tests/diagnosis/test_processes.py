"""Several server processes, as deployed: one clinic, whichever process one meets."""

import base64
import hashlib
import json
import os
import signal
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from diagnosis import recordings, storage, tasks
from diagnosis.models import Recording, Result, State
from diagnosis.models import TestSession as Session
from tests.conftest import token
from tests.diagnosis.test_recordings import Worker, wait_until
from tests.diagnosis.test_sessions import state_of
from tests.diagnosis.test_watching import frames_of, settled

ROW = b"2025-01-24 14:24:44.1,3,0\n"


@pytest.fixture
def environment(environment, disk, monkeypatch):
    """What processes need to share the tests' database, broker and recordings."""
    monkeypatch.setenv("DATA_DIR", str(disk.parent))


@pytest.fixture
def headset(patient, doctor):
    """Return a connected headset at a server."""

    def make(server):
        return connect(
            f"{server.ws}/diagnosis/ws/diagnosis/{patient.code}",
            additional_headers={"Authorization": f"Bearer {token(doctor.user)}"},
            max_size=None,
        )

    return make


@pytest.fixture
def call(doctor):
    """Call the API of a server as the doctor."""

    def request(server, method, path, **extra):
        return httpx.request(
            method,
            f"{server.url}/diagnosis/{path}",
            headers={"Authorization": f"Bearer {token(doctor.user)}"},
            timeout=10,
            **extra,
        )

    return request


@pytest.fixture
def start(call, patient):
    body = {"patient_id": patient.pk, "type": "BALANCEBALL", "level": 2}

    def at(server):
        response = call(server, "POST", "diagnosis/start", json=body)
        assert response.status_code == 201, response.text
        return response.json()["id"]

    return at


def say(socket, action, **data):
    socket.send(json.dumps({"action": action, "data": data}))


def hear(socket):
    return json.loads(socket.recv(timeout=10))


def announce(socket, session, content):
    say(
        socket,
        "c_upload_begin",
        diagnosis_id=session,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return hear(socket)


def send_piece(socket, session, start, part):
    say(
        socket,
        "c_upload_chunk",
        diagnosis_id=session,
        offset=start,
        sha256=hashlib.sha256(part).hexdigest(),
        content=base64.b64encode(part).decode(),
    )
    return hear(socket)


def test_the_recorded_conversation_over_two_processes(
    servers, headset, start, call, patient, doctor
):
    one, two = servers
    with headset(one) as socket:
        session = start(two)
        data = {"diagnosis_id": session, "type": "BALANCEBALL", "level": 2}
        assert hear(socket) == {"action": "s_start_diagnosis", "data": data}

        with httpx.stream(
            "GET",
            f"{two.url}/diagnosis/diagnosis/{session}/status",
            headers={"Authorization": f"Bearer {token(doctor.user)}"},
        ) as response:
            frames = frames_of(response)
            assert next(frames)[1]["state"] == "READY"
            say(socket, "c_diagnosis_started", diagnosis_id=session)
            assert next(frames)[1]["state"] == "STARTED"
            content = (
                "current_time,Score,State\n"
                "2025-01-24 14:24:44.1,3,0\n"
                "2025-01-24 14:24:45.1,15,1\n"
            )
            say(socket, "c_upload_result", diagnosis_id=session, file_content=content)
            assert settled(Recording.objects.exists)
            recordings.score(session)  # as a worker does
            assert [data["state"] for _id, data in frames] == ["COMPLETED"]

    metadata = call(one, "GET", f"diagnosis/record/{session}/metadata").json()
    assert metadata["patient_id"] == patient.pk
    assert metadata["score"] == 15.0


def test_a_newer_headset_elsewhere_takes_over(servers, headset, start, call):
    one, two = servers
    with headset(one) as first, headset(two) as second:
        assert hear(first) == {"action": "s_force_disconnect", "data": None}
        with pytest.raises(ConnectionClosed) as closed:
            first.recv(timeout=5)
        assert closed.value.rcvd.code == 4409

        session = start(one)
        assert hear(second)["data"]["diagnosis_id"] == session
        call(one, "POST", f"diagnosis/{session}/cancel")
        assert hear(second) == {"action": "s_stop_diagnosis", "data": None}


def test_a_killed_process_loses_no_acknowledged_piece(servers, headset, start):
    one, two = servers
    content = b"current_time,Score,State\n" + ROW * 20_000
    half = len(content) // 2
    with headset(one) as socket:
        session = start(two)
        hear(socket)
        announce(socket, session, content)
        stored = send_piece(socket, session, 0, content[:half])
        assert stored["data"]["offset"] == half

        os.kill(one.pid, signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)

    with headset(two) as socket:
        assert hear(socket)["action"] == "s_start_diagnosis"
        assert announce(socket, session, content)["data"]["offset"] == half
        send_piece(socket, session, half, content[half:])
        say(socket, "c_upload_end", diagnosis_id=session)
        assert hear(socket)["action"] == "s_upload_done"

    recording = Recording.objects.get(session=session)
    assert recording.sha256 == hashlib.sha256(content).hexdigest()


def test_web_and_worker_killed_after_the_last_piece_lose_nothing(
    servers, headset, start, settings, disk
):
    one, two = servers
    content = b"current_time,Score,State\n" + b"".join(
        b"2025-01-24 14:24:%02d.%03d,%d,%d\n" % (n // 1000, n % 1000, n, n % 7)
        for n in range(50_000)
    )
    with headset(one) as socket, Worker(settings, disk.parent) as worker:
        session = start(two)
        hear(socket)
        announce(socket, session, content)
        for at in range(0, len(content), 1 << 20):
            send_piece(socket, session, at, content[at : at + (1 << 20)])
        say(socket, "c_upload_end", diagnosis_id=session)
        assert hear(socket)["action"] == "s_upload_done"

        os.kill(one.pid, signal.SIGKILL)
        worker.kill()

    recording = Recording.objects.get(session=session)
    assert recording.sha256 == hashlib.sha256(content).hexdigest()
    assert storage.get(recording.key) == content
    assert state_of(recording.session) in (State.READY, State.COMPLETED)

    Recording.objects.update(received_at=timezone.now() - timedelta(seconds=61))
    with Worker(settings, disk.parent):
        tasks.find_unscored()
        wait_until(lambda: state_of(recording.session) == State.COMPLETED)
    assert Result.objects.get().rows == 50_000


def test_too_much_is_measured_in_utf8_however_json_writes_it(servers, headset, start):
    one, _two = servers
    content = "가" * (10 * 1024 * 1024 // 3 + 1)
    with headset(one) as socket:
        session = start(one)
        hear(socket)

        say(socket, "c_upload_result", diagnosis_id=session, file_content=content)

        assert hear(socket)["data"]["code"] == "too_large"
    assert state_of(Session.objects.get(pk=session)) == State.FAILED


def test_ten_mebibytes_fit_into_one_frame_and_not_more(servers, headset, start):
    one, _two = servers
    limit = 10 * 1024 * 1024
    content = ("current_time,Score,State\n" + ROW.decode() * 500_000)[:limit]
    with headset(one) as socket:
        session = start(one)
        hear(socket)

        say(socket, "c_upload_result", diagnosis_id=session, file_content=content)
        assert settled(lambda: Recording.objects.filter(session=session).exists(), 20)

        say(socket, "c_upload_result", diagnosis_id=session, file_content=content + " ")
        assert hear(socket)["data"]["code"] == "session_ended"

    recording = Recording.objects.get(session=session)
    assert recording.size == limit
    assert state_of(recording.session) == State.READY
