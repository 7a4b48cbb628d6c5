"""Simulated headsets against a real server: as a doctor would use them."""

import asyncio
import threading
from collections import Counter

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command

from config import asgi
from diagnosis import headsets, presence, recordings, sessions, simulator
from diagnosis.models import HeadsetToken, Recording, State
from tests import factories, serving
from tests.diagnosis.test_sessions import state_of
from tests.diagnosis.test_watching import settled

MANNERS = {"seconds": 1, "seed": 7}


@pytest.fixture
def server(transactional_db, disk):
    with serving.in_thread(asgi.application) as served:
        yield served


@pytest.fixture
def simulate(server, patient):
    """Run the patient's headset beside the test; the counts are returned at once."""
    counts = Counter()
    stop = threading.Event()
    _row, token = headsets.issue(patient, "simulated")

    def start(**manners):
        headset = simulator.Headset(
            f"{server.ws}/diagnosis",
            patient.code,
            token,
            manners=simulator.Manners(**{**MANNERS, **manners}),
            counts=counts,
        )

        async def run():
            task = asyncio.create_task(headset.run())
            await sync_to_async(stop.wait, thread_sensitive=False)()
            headset.stop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        thread = threading.Thread(target=asyncio.run, args=[run()])
        thread.start()
        threads.append(thread)
        assert settled(lambda: presence.connected([patient.pk]))
        return counts

    threads = []
    yield start
    stop.set()
    for thread in threads:
        thread.join(10)


def begin(patient, type="TENNISBALL"):
    return sessions.start(doctor=patient.doctor, patient=patient, type=type, level=2)


def test_a_headset_runs_a_test_and_uploads(simulate, patient):
    counts = simulate()
    session = begin(patient)

    assert settled(lambda: state_of(session) == State.STARTED)
    assert settled(lambda: counts["uploaded"] == 1)
    recordings.score(session.pk)
    assert state_of(session) == State.COMPLETED
    assert settled(lambda: counts == {"connected": 1, "uploaded": 1})


def test_a_lost_line_during_the_upload_loses_nothing(simulate, patient, monkeypatch):
    monkeypatch.setattr("diagnosis.simulator.PIECE_BYTES", 1024)
    counts = simulate(dropping=1)
    session = begin(patient)

    assert settled(lambda: counts["uploaded"] == 1, 15)
    assert counts["lines lost"] == 1
    recordings.score(session.pk)
    assert Recording.objects.get().session == session
    assert state_of(session) == State.COMPLETED


def test_a_test_that_breaks_off_fails(simulate, patient):
    simulate(failing=1)
    session = begin(patient)

    assert settled(lambda: state_of(session) == State.FAILED)


def test_a_cancelled_test_is_not_uploaded(simulate, patient, doctor):
    counts = simulate(seconds=60)
    session = begin(patient)
    assert settled(lambda: state_of(session) == State.STARTED)

    sessions.cancel(session.pk, by=doctor.user)

    assert settled(lambda: counts["stopped"] == 1)
    assert not Recording.objects.exists()


def test_the_command_makes_tokens_and_revokes_them(server, patient, capsys):
    call_command(
        "simulate_headsets",
        *("--url", f"{server.ws}/diagnosis", "--count", "1", "--seconds", "1"),
    )

    assert HeadsetToken.objects.get().revoked_at is not None
    assert HeadsetToken.objects.get().last_used_at is not None
    output = capsys.readouterr().out
    assert f"Headsets of {patient.code}" in output
    assert "1 connected" in output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--count", "2"], "there are 1"),
        (["--count", "0"], "at least 1"),
        (["--url", "http://127.0.0.1/diagnosis"], "--url must look like"),
        (["--test-seconds", "0"], "--test-seconds"),
        (["--failing", "2"], "--failing"),
        (["--token", "001-000"], "--token must look like"),
    ],
)
def test_what_the_command_cannot_do_it_says(patient, arguments, told):
    with pytest.raises(CommandError, match=told):
        call_command("simulate_headsets", *arguments)

    assert not HeadsetToken.objects.exists()


async def test_a_wrong_token_ends_the_headset(server, patient):
    counts = await simulator.run(
        f"{server.ws}/diagnosis",
        [(patient.code, "headset_wrong")],
        manners=simulator.Manners(),
        report=lambda text: None,
    )

    assert counts == {"refused": 1}


def test_a_patient_with_a_headset_is_left_alone(server, patient):
    presence.arrive(patient.pk)

    with pytest.raises(CommandError, match="there are 0"):
        call_command("simulate_headsets")


def test_many_headsets_at_once(server, doctor):
    patients = [factories.patient(doctor) for _ in range(20)]
    pairs = [(p.code, headsets.issue(p)[1]) for p in patients]

    async def run():
        return await simulator.run(
            f"{server.ws}/diagnosis",
            pairs,
            manners=simulator.Manners(),
            seconds=3,
            report=reports.append,
            every=0.1,
        )

    reports = []
    counts = asyncio.run(run())

    assert "20 connected" in reports
    assert counts["connected"] == 0
