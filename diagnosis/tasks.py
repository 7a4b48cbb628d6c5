"""Score recordings; end sessions whose time is over; forget old sign-ins."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from diagnosis import accounts, recordings, sessions
from diagnosis.storage import StorageAway

log = logging.getLogger(__name__)


@shared_task(autoretry_for=(StorageAway,), retry_backoff=2, max_retries=4)
def score_recording(recording_id):
    recordings.score(recording_id)


def nudge(recording_id):
    """Have a recording scored now; without a broker the beat will find it."""
    try:
        score_recording.apply_async([recording_id], retry=False)
    except OperationalError as error:
        log.warning("Recording %s waits for the beat: %s", recording_id, error)


@shared_task
def find_unscored():
    for recording_id in recordings.overdue():
        # Not beyond the next look, or a long outage would end in a flood.
        score_recording.apply_async([recording_id], expires=25)


@shared_task
def expire_sessions():
    return sessions.expire_due()


@shared_task
def sweep_sign_ins():
    return accounts.sweep()
