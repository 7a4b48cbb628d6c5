"""Recordings: written as things happen, kept for a time, seen by few."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from config.realtime import in_thread
from sshops import recordings
from sshops.errors import NotFound
from sshops.models import AuditEntry, Recording
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.SSHOPS_RECORDINGS_DIR = tmp_path / "recordings"
    return settings.SSHOPS_RECORDINGS_DIR


def begun(user, **fields):
    server = factories.server()
    return recordings.begin(
        **{"kind": "command", "user": user, "server": server, "text": "df -h"} | fields
    )


def lines(recording):
    return [json.loads(line) for line in recording.path.read_text().splitlines()]


def test_it_is_an_asciicast(operator):
    recorder = begun(operator, cols=100, rows=30)
    recorder.output("한글 \x1b[1mbold\r\n".encode())
    recorder.resize(120, 40)
    recorder.output(b'"quoted" \\ \x00\xff')
    recorder.finish()

    recording = Recording.objects.get()
    header, *events = lines(recording)
    assert header["version"] == 2
    assert (header["width"], header["height"]) == (100, 30)
    assert header["title"] == "df -h"
    assert abs(header["timestamp"] - recording.started_at.timestamp()) < 5
    assert [event[1:] for event in events] == [
        ["o", "한글 \x1b[1mbold\r\n"],
        ["r", "120x40"],
        ["o", '"quoted" \\ \x00�'],
    ]
    times = [event[0] for event in events]
    assert times == sorted(times)
    assert times[0] >= 0
    assert (recording.is_complete, recording.size) == (
        True,
        recording.path.stat().st_size,
    )
    assert recording.path.stat().st_mode & 0o777 == 0o600


def test_a_character_in_two_reads_is_one(operator):
    recorder = begun(operator)
    for byte in "가".encode():
        recorder.output(bytes([byte]))

    assert [event[1:] for event in lines(recorder.recording)[1:]] == [["o", "가"]]


WRITES_AND_HANGS = """
import sys, time, pathlib
from sshops.asciicast import AsciicastWriter
path = pathlib.Path(sys.argv[1])
writer = AsciicastWriter(path, cols=80, rows=24, title="x", most_bytes=1 << 20)
writer.output(b"the last words")
print("written", flush=True)
time.sleep(60)
"""


def test_what_was_shown_survives_a_kill(tmp_path):
    path = tmp_path / "x.cast"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITES_AND_HANGS, path], stdout=subprocess.PIPE
    )
    assert writer.stdout.readline() == b"written\n"

    writer.send_signal(signal.SIGKILL)
    writer.wait()

    assert json.loads(path.read_text().splitlines()[-1])[2] == "the last words"


def test_too_long_a_recording_breaks_off_and_says_so(operator, settings):
    settings.SSHOPS_RECORDING_BYTES = 500
    recorder = begun(operator)
    for _ in range(10):
        recorder.output(b"x" * 100)
    recorder.finish()

    recording = Recording.objects.get()
    assert not recording.is_complete
    assert recording.size <= 500
    assert lines(recording)[-1][2] == "x" * 100


def test_strictly_nothing_happens_unrecorded(operator, settings, folder):
    settings.SSHOPS_RECORDING_STRICT = True
    settings.SSHOPS_RECORDING_BYTES = 500
    recorder = begun(operator)
    with pytest.raises(recordings.CannotRecord):
        recorder.output(b"x" * 600)

    folder.rename(folder.with_name("old"))
    folder.write_text("no folder")
    with pytest.raises(recordings.CannotRecord):
        begun(operator)


def test_a_lost_folder_stops_nobody_otherwise(operator, folder):
    folder.write_text("no folder")

    recorder = begun(operator)
    recorder.output(b"x")
    recorder.finish()

    assert not Recording.objects.get().is_complete


def test_looking_is_audited(operator, supervisor):
    recorder = begun(operator)
    recorder.output(b"secret")

    _recording, file = recordings.open_for(supervisor, recorder.recording.pk)

    with file:
        assert b"secret" in file.read()
    entry = AuditEntry.objects.get()
    assert (entry.user, entry.connection_id, entry.text) == (
        "supervisor@example.com",
        str(recorder.recording.pk),
        "Looked at a recording of operator@example.com",
    )


def test_a_strangers_recording_is_not_there(operator, outsider):
    recorder = begun(operator)

    with pytest.raises(NotFound):
        recordings.open_for(outsider, recorder.recording.pk)
    assert not AuditEntry.objects.exists()


def test_old_ones_go(operator, settings):
    settings.SSHOPS_RECORDING_KEEP_DAYS = 90
    old, new = begun(operator), begun(operator)
    path = old.recording.path
    moment = timezone.now() - timedelta(days=91)
    Recording.objects.filter(pk=old.recording.pk).update(started_at=moment)
    moved = Recording.objects.get(pk=old.recording.pk).path
    moved.parent.mkdir(parents=True)
    os.rename(path, moved)

    recordings.sweep()

    assert Recording.objects.get() == new.recording
    assert not moved.exists()


async def test_commands_are_recorded(client, server):
    await client.runs(server, "printf 'one\\ntwo\\n'")

    recording = await in_thread(Recording.objects.get)
    assert (recording.kind, recording.user_email, recording.server_name) == (
        "command",
        "operator@example.com",
        server.name,
    )
    assert recording.text == "printf 'one\\ntwo\\n'"
    assert recording.is_complete
    shown = "".join(event[2] for event in lines(recording)[1:])
    assert shown == "one\r\ntwo\r\n"


async def test_strictly_a_command_that_cannot_be_recorded_is_ended(
    client, server, settings
):
    settings.SSHOPS_RECORDING_STRICT = True
    settings.SSHOPS_RECORDING_BYTES = 1000

    await client.say("ssh_command", {"server": server.name, "command": "seq 10000"})
    error = await client.hear("error")

    assert error["error_code"] == 22000
    assert not (await in_thread(Recording.objects.get)).is_complete


async def test_strictly_a_terminal_that_cannot_be_recorded_is_ended(
    opened, operator, server, settings
):
    settings.SSHOPS_RECORDING_STRICT = True
    settings.SSHOPS_RECORDING_BYTES = 5000
    _terminal, one = await opened(operator, server)

    await one.type("seq 10000\n")

    assert (await one.told("ended"))["reason"] == "not_recorded"
