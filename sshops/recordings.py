"""Record what a shell or a command shows, and keep the files for a time.

    recorder = recordings.begin(kind="command", user=user, server=server, text="df -h")
    recorder.output(data)      # in the thread that reads; raises CannotRecord if strict
    recorder.finish()          # in a thread: it writes to the database

A full disk or a too long recording does not stop anybody's work unless
SSHOPS_RECORDING_STRICT says so: then nothing happens unrecorded.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from sshops import audit
from sshops.asciicast import AsciicastWriter
from sshops.errors import CommandFailed, NotFound
from sshops.models import Recording

log = logging.getLogger(__name__)


class CannotRecord(CommandFailed):
    """This cannot be recorded, and nothing may run unrecorded; ask an administrator."""


class Recorder:
    """A Recording under way. Methods are called by one thread at a time."""

    def __init__(self, recording, *, cols, rows):
        self.recording = recording
        self.is_whole = True
        self.writer = None
        self._try(self._open, cols, rows)

    def _open(self, cols, rows):
        self.writer = AsciicastWriter(
            self.recording.path,
            cols=cols,
            rows=rows,
            title=self.recording.text or self.recording.server_name,
            most_bytes=settings.SSHOPS_RECORDING_BYTES,
        )

    def output(self, data):
        if self.is_whole:
            self._try(self.writer.output, data)

    def resize(self, cols, rows):
        if self.is_whole:
            self._try(self.writer.resize, cols, rows)

    def _try(self, write, *args):
        try:
            write(*args)
        except OSError as error:
            self.is_whole = False
            log.error("Recording %s broke off: %s", self.recording.pk, error)
            if settings.SSHOPS_RECORDING_STRICT:
                raise CannotRecord from error

    def finish(self):
        """Close the file and store how long it is; a second time nothing happens."""
        recording, writer = self.recording, self.writer
        if recording.ended_at is not None:
            return
        recording.ended_at = timezone.now()
        recording.is_complete = self.is_whole
        if writer is not None:
            writer.close()
            recording.seconds, recording.size = writer.seconds, writer.size
        recording.save(update_fields=["ended_at", "is_complete", "seconds", "size"])


def begin(*, kind, user, server, text="", cols=80, rows=24):
    """Return a Recorder; raise CannotRecord where that is not allowed to fail."""
    recording = Recording.objects.create(
        kind=kind,
        user=user,
        user_email=user.email,
        server_name=server.name,
        text=text.replace("\0", ""),
    )
    return Recorder(recording, cols=cols, rows=rows)


def open_for(user, pk, *, client_ip=""):
    """Return (recording, file) for a user to look at, which is audited.

    Raises NotFound, also for a stranger's recording and for a lost file.
    """
    recording = Recording.objects.visible_to(user).filter(pk=pk).first()
    if recording is None:
        raise NotFound
    try:
        file = recording.path.open("rb")
    except OSError as error:
        raise NotFound from error
    audit.record(
        kind="session",
        user=user,
        client_ip=client_ip,
        connection_id=str(recording.pk),
        server_name=recording.server_name,
        text=f"Looked at a recording of {recording.user_email}",
        outcome="complete",
    )
    return recording, file


def sweep():
    """Forget recordings that are older than SSHOPS_RECORDING_KEEP_DAYS; 0 keeps all."""
    days = settings.SSHOPS_RECORDING_KEEP_DAYS
    if not days:
        return
    old = Recording.objects.filter(started_at__lt=timezone.now() - timedelta(days=days))
    for recording in old.iterator(500):
        recording.path.unlink(missing_ok=True)
        recording.delete()
