"""Recordings: stored before they count, scored once, scored anew; on disk and in S3."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone, translation

from diagnosis import recordings, scoring, sessions, storage, tasks
from diagnosis.models import Recording, Result, State
from diagnosis.models import TestSession as Session
from tests import factories
from tests.diagnosis.recordings import golden, steps
from tests.serving import PROJECT

RAW, PROCESSED = golden("FITBOX")


@pytest.fixture
def session(patient):
    return factories.session(patient, type="FITBOX")


def state(session):
    return Session.objects.get(pk=session.pk).state


def test_a_recording_is_stored_as_it_came(shelf, session):
    recording = recordings.take(session, RAW)

    assert re.fullmatch(
        rf"diagnosis/{session.pk}/original/FITBOX_2_[0-9]{{14}}\.csv", recording.key
    )
    assert shelf.keys() == [recording.key]
    assert shelf.read(recording.key) == RAW
    assert recording.sha256 == hashlib.sha256(RAW).hexdigest()
    assert recording.size == len(RAW)
    assert recording.state == Recording.State.RECEIVED
    assert state(session) == State.READY


def test_a_file_is_named_by_its_time_in_seoul(session):
    moment = datetime(2026, 11, 21, 15, 49, 24, tzinfo=UTC)

    assert recordings.filename(session, moment) == "FITBOX_2_20261122004924.csv"


def test_scoring_completes_the_session(shelf, session):
    recording = recordings.take(session, RAW)

    recordings.score(recording.pk)

    recording.refresh_from_db()
    result = recording.results.get()
    assert result.key == recording.key.replace("original", "processed")
    assert shelf.keys() == [recording.key, result.key]
    assert shelf.read(result.key) == PROCESSED
    assert shelf.read(recording.key) == RAW
    assert recording.state == Recording.State.SCORED
    assert (result.score, result.time_spent, result.fps, result.rows) == (
        850.0,
        0.5090000629425049,
        70.72690677459985,
        36,
    )
    assert result.sha256 == hashlib.sha256(PROCESSED).hexdigest()
    assert (result.size, result.scorer_version) == (len(PROCESSED), scoring.VERSION)
    assert state(session) == State.COMPLETED


def test_scored_twice_is_stored_once(shelf, session):
    recordings.take(session, RAW)

    for _time in range(3):
        recordings.score(session.pk)

    assert Result.objects.count() == 1
    assert session.transitions.filter(to_state=State.COMPLETED).count() == 1


def test_the_same_file_again_is_the_same_recording(shelf, session):
    first = recordings.take(session, RAW)
    recordings.score(first.pk)

    again = recordings.take(session, RAW)

    assert again == first
    assert Recording.objects.count() == 1


def test_another_file_is_refused(shelf, session):
    first = recordings.take(session, RAW)

    with pytest.raises(sessions.Ended):
        recordings.take(session, steps(0, 1))

    assert shelf.keys() == [first.key]
    assert shelf.read(first.key) == RAW


def test_an_ended_session_takes_nothing(shelf, session, doctor):
    sessions.cancel(session.pk, by=doctor.user)

    with pytest.raises(sessions.Ended):
        recordings.take(session, RAW)

    assert shelf.keys() == []


def test_an_unusable_recording_fails_its_session_and_stays(shelf, session):
    raw = RAW.replace(b"State", b"Stake")
    recording = recordings.take(session, raw)

    recordings.score(recording.pk)

    recording.refresh_from_db()
    session.refresh_from_db()
    assert recording.state == Recording.State.UNUSABLE
    assert recording.why == session.reason == "The column State is missing."
    assert session.state == State.FAILED
    assert shelf.keys() == [recording.key]
    assert shelf.read(recording.key) == raw
    assert not Result.objects.exists()


def test_the_reason_is_told_in_the_readers_language(disk, session):
    recordings.take(session, RAW.replace(b"State", b"Stake"))
    recordings.score(session.pk)

    session.refresh_from_db()
    with translation.override("ko"):
        assert session.recording.why == "State 열이 없습니다."


def test_a_cancel_before_scoring_wins(shelf, session, doctor):
    recording = recordings.take(session, RAW)
    sessions.cancel(session.pk, by=doctor.user)

    recordings.score(recording.pk)

    recording.refresh_from_db()
    assert recording.state == Recording.State.LATE
    assert shelf.keys() == [recording.key]
    assert not Result.objects.exists()
    assert state(session) == State.CANCELLED


def test_a_received_recording_does_not_expire(disk, session):
    recording = recordings.take(session, RAW)
    Session.objects.update(expired_at=timezone.now() - timedelta(hours=1))

    sessions.expire_due()
    recordings.score(recording.pk)

    assert state(session) == State.COMPLETED


def test_without_its_store_nothing_is_taken(nowhere, session):
    with pytest.raises(storage.StorageAway):
        recordings.take(session, RAW)

    session.refresh_from_db()
    assert session.received_at is None  # the headset may send it again
    assert not Recording.objects.exists()


def test_a_store_that_is_away_only_delays(disk, settings, session, request):
    recording = recordings.take(session, RAW)
    there = settings.STORAGES
    request.getfixturevalue("nowhere")

    for _time in range(recordings.MOST_ATTEMPTS + 1):
        with pytest.raises(storage.StorageAway):
            recordings.score(recording.pk)
    settings.STORAGES = there
    recordings.score(recording.pk)

    assert state(session) == State.COMPLETED


def test_a_full_disk_only_delays(disk, session):
    recording = recordings.take(session, RAW)
    in_the_way = disk / f"diagnosis/{session.pk}/processed"
    in_the_way.write_text("no folder")

    for _time in range(recordings.MOST_ATTEMPTS + 1):
        with pytest.raises(storage.StorageAway):
            recordings.score(recording.pk)
    in_the_way.unlink()
    recordings.score(recording.pk)

    assert state(session) == State.COMPLETED


@pytest.mark.parametrize("change", ["remove", "write"])
def test_a_file_that_others_touched_is_not_scored(shelf, session, change):
    recording = recordings.take(session, RAW)
    if change == "remove":
        shelf.remove(recording.key)
    else:
        shelf.write(recording.key, RAW.replace(b"1000", b"1001"))

    recordings.score(recording.pk)

    session.refresh_from_db()
    told = {"remove": "is missing", "write": "was changed"}[change]
    assert session.state == State.FAILED
    assert session.reason == f"The stored file {recording.key} {told}."


def test_scoring_that_never_ends_is_given_up(disk, session):
    recording = recordings.take(session, RAW)
    Recording.objects.update(attempts=recordings.MOST_ATTEMPTS)

    recordings.score(recording.pk)

    session.refresh_from_db()
    assert session.state == State.FAILED
    assert session.reason == "Scoring it never came to an end."


def test_what_is_overdue(disk, doctor, patient):
    session = factories.session(patient, type="FITBOX")
    recordings.take(session, RAW)

    fresh = recordings.overdue()
    Recording.objects.update(received_at=timezone.now() - timedelta(seconds=61))
    late = recordings.overdue()
    recordings.score(session.pk)
    scored = recordings.overdue()

    assert (fresh, late, scored) == ([], [session.pk], [])


def test_the_same_scorer_changes_nothing(shelf, session, boss):
    recording = recordings.take(session, RAW)
    recordings.score(recording.pk)
    recording.refresh_from_db()

    result = recordings.score_anew(recording, boss)

    assert Result.objects.get() == result


def test_a_newer_scorer_keeps_the_older_result(shelf, session, boss):
    recording = recordings.take(session, RAW)
    recordings.score(recording.pk)
    recording.refresh_from_db()
    Result.objects.update(scorer_version=0, score=1.0, sha256="0" * 64)
    shelf.write(recording.results.get().key, b"older")

    result = recordings.score_anew(recording, boss)

    older = Result.objects.exclude(pk=result.pk).get()
    assert (older.scorer_version, older.score, older.sha256) == (0, 1.0, "0" * 64)
    assert older.replaced_at is not None
    assert (result.scorer_version, result.score) == (scoring.VERSION, 850.0)
    assert (result.user, result.replaced_at) == (boss, None)
    assert recording.results.current().get() == result
    assert shelf.read(result.key) == PROCESSED
    assert state(session) == State.COMPLETED


def test_a_newer_scorer_may_read_what_an_older_could_not(disk, session, boss):
    recording = recordings.take(session, RAW)
    Recording.objects.update(attempts=recordings.MOST_ATTEMPTS)
    recordings.score(recording.pk)
    recording.refresh_from_db()

    result = recordings.score_anew(recording, boss)

    recording.refresh_from_db()
    assert (recording.state, recording.why) == (Recording.State.SCORED, "")
    assert result.score == 850.0
    assert state(session) == State.FAILED  # ended is ended


def test_a_waiting_recording_is_not_scored_anew(disk, session, boss):
    recording = recordings.take(session, RAW)

    with pytest.raises(recordings.NotScored):
        recordings.score_anew(recording, boss)


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_store_one_result(disk, transactional_db):
    session = factories.session(type="FITBOX")
    recordings.take(session, RAW)

    def work():
        recordings.score(session.pk)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Result.objects.count() == 1
    assert state(session) == State.COMPLETED


@pytest.mark.django_db(transaction=True)
def test_headsets_at_once_store_one_recording(disk, transactional_db):
    session = factories.session(type="FITBOX")
    outcomes = []

    def work(content):
        try:
            outcomes.append(recordings.take(session, content))
        except sessions.Ended:
            outcomes.append(None)
        connections.close_all()

    threads = [threading.Thread(target=work, args=[steps(0, n)]) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count(None) == 3
    recording = Recording.objects.get()
    assert storage.get(recording.key) in [steps(0, n) for n in range(1, 5)]
    assert hashlib.sha256(storage.get(recording.key)).hexdigest() == recording.sha256


class Worker:
    """A Celery worker as a process, on the tests' database and broker."""

    def __init__(self, settings, folder):
        database = settings.DATABASES["default"]
        self.environ = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{database['USER']}@/{database['HOST']}"
            f"/{connection.settings_dict['NAME']}",
            "REDIS_URL": settings.REDIS_URL,
            "DATA_DIR": str(folder),
        }

    def __enter__(self):
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "--quiet", "--app", "config"),
                *("worker", "--concurrency", "1", "--loglevel", "error"),
                *("--without-gossip", "--without-mingle"),
            ],
            cwd=PROJECT,
            env=self.environ,
            start_new_session=True,
        )
        return self

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.kill()


def wait_until(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


def is_blocked():
    """Tell whether somebody waits for a lock in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_scores_loses_nothing(disk, settings):
    session = factories.session(type="FITBOX")
    recordings.take(session, RAW)
    tasks.nudge(session.pk)

    with Worker(settings, disk.parent) as worker, transaction.atomic():
        # It has read the file and the message, and now waits for this row.
        Recording.objects.select_for_update().get(pk=session.pk)
        wait_until(is_blocked)
        worker.kill()
    assert state(session) == State.READY
    assert Recording.objects.get().state == Recording.State.RECEIVED

    Recording.objects.update(received_at=timezone.now() - timedelta(seconds=61))
    with Worker(settings, disk.parent):
        tasks.find_unscored()
        wait_until(lambda: state(session) == State.COMPLETED)

    assert Result.objects.get().score == 850.0
