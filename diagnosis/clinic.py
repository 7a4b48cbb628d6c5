"""A doctor's clinic as it is now: whose headset is connected, which tests run."""

from django.utils import timezone
from django.utils.translation import gettext as _

from diagnosis import presence, sessions
from diagnosis.models import Patient, Result, State, TestSession
from diagnosis.times import SEOUL


def headsets(user):
    """Return the ids of the user's patients whose headset is connected."""
    present = Patient.objects.present().visible_to(user)
    return presence.connected(present.values_list("pk", flat=True))


def live_sessions(user):
    """Return the live sessions of the user's patients."""
    visible = TestSession.objects.visible_to(user)
    sessions.expire_due(pk__in=visible.live())
    return _whole(visible.live()).order_by("created_at")


def session(user, session_id):
    """Return one of the user's sessions, None for another's."""
    visible = TestSession.objects.visible_to(user)
    return _whole(visible).filter(pk=session_id).first()


def sessions_of(patient):
    """Return a patient's sessions, however they ended, newest first."""
    sessions.expire_due(patient=patient)
    return _whole(patient.sessions.all())


def _whole(found):
    return found.select_related("recording").prefetch_related("transitions")


def reason(session):
    """Return why a session failed, in the reader's language."""
    recording = getattr(session, "recording", None)
    if session.state == State.FAILED and recording and recording.why:
        return recording.why
    return _(session.reason) if session.reason else ""


def state_now():
    """Return the app's state and figures for the home page."""
    running = TestSession.objects.live().count()
    midnight = (
        timezone.now()
        .astimezone(SEOUL)
        .replace(hour=0, minute=0, second=0, microsecond=0)
    )
    today = Result.objects.current().filter(recording__received_at__gte=midnight)
    return {
        "state": "live" if running else "idle",
        "figures": [(_("tests running"), running), (_("records today"), today.count())],
    }
