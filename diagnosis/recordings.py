"""Recordings: take one in, have it scored, score it anew.

A file is stored before anybody hears that it arrived, and never changes. Its session
ends only once the result is stored too, or once it is certain that there is none.
"""

import hashlib
import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from config.errors import Conflict
from diagnosis import scoring, sessions, storage
from diagnosis.models import Recording, Result
from diagnosis.times import SEOUL

log = logging.getLogger(__name__)

State = Recording.State

# How often scoring may end without an end (a worker killed, say by the system for want
# of memory) before the recording counts as unusable.
MOST_ATTEMPTS = 5
# Older ones without a result have lost their message, or their worker.
OVERDUE = timedelta(seconds=60)


class NotScored(Conflict):
    """This recording is not scored yet, or came too late to be."""

    code = "not_scored"


def filename(session, moment):
    """Return the name of a session's file that arrived at a moment."""
    stamp = f"{moment.astimezone(SEOUL):%Y%m%d%H%M%S}"
    return f"{session.type}_{session.level}_{stamp}.csv"


def take(session, content):
    """Store a session's file, bytes, and return its Recording.

    The same file again is the same Recording. Raise Ended for a session that is not
    live or has another recording, StorageAway when the file could not be stored.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    known = Recording.objects.filter(session=session, sha256=sha256).first()
    if known is not None:
        return known
    with transaction.atomic():
        sessions.receive(session.pk)  # of two at once the other waits here
        return store(session, content, timezone.now())


def store(session, content, moment):
    """Store a file as the recording that arrived at a moment, and return that."""
    key = f"diagnosis/{session.pk}/original/{filename(session, moment)}"
    storage.put(key, content)
    return Recording.objects.create(
        session=session,
        key=key,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        received_at=moment,
    )


def overdue():
    """Return the keys of recordings that should have been scored by now."""
    received = Recording.objects.unscored()
    late = received.filter(received_at__lt=timezone.now() - OVERDUE)
    return list(late.values_list("pk", flat=True))


def score(recording_id):
    """Score a recording that waits for it, and end its session accordingly.

    Any number of calls, at once or one after another, store one result. Raise
    StorageAway; the recording then waits on.
    """
    waiting = Recording.objects.unscored().filter(pk=recording_id)
    recording = waiting.select_related("session").first()
    if recording is None:
        return
    try:
        if recording.attempts >= MOST_ATTEMPTS:
            raise scoring.Unusable(gettext_noop("Scoring it never came to an end."))
        content = _content(recording)
        waiting.update(attempts=F("attempts") + 1)
        scored = scoring.score(recording.session.type, content)
        waiting.update(attempts=0)  # what follows may wait for a store that is away
    except scoring.Unusable as unusable:
        _conclude(recording, State.UNUSABLE, unusable)
    else:
        storage.put(_processed_key(recording), scored.csv)
        _conclude(recording, State.SCORED, scored)


def _content(recording):
    """Return the bytes of a recording as they came; raise Unusable for others."""
    try:
        content = storage.get(recording.key)
    except FileNotFoundError as error:
        raise scoring.Unusable(
            gettext_noop("The stored file {name} is missing."), name=recording.key
        ) from error
    if hashlib.sha256(content).hexdigest() != recording.sha256:
        raise scoring.Unusable(
            gettext_noop("The stored file {name} was changed."), name=recording.key
        )
    return content


def _processed_key(recording):
    return f"diagnosis/{recording.pk}/processed/{recording.filename}"


def _conclude(recording, state, outcome):
    """Store the outcome and end the session, both or none; once, however often."""
    waiting = Recording.objects.unscored().filter(pk=recording.pk)
    try:
        with transaction.atomic():
            if not waiting.update(state=state):
                return  # another worker was faster
            if state == State.SCORED:
                _add_result(recording, outcome)
                sessions.finish(recording.pk)
            else:
                _note_reason(recording, outcome)
                sessions.fail(recording.pk, str(outcome))
    except sessions.Ended:
        waiting.update(state=State.LATE)
        storage.remove(_processed_key(recording))
        state = State.LATE
    log.info("Recording %s: %s", recording.pk, state)


def _add_result(recording, scored, user=None):
    return Result.objects.create(
        recording=recording,
        scorer_version=scoring.VERSION,
        key=_processed_key(recording),
        sha256=hashlib.sha256(scored.csv).hexdigest(),
        size=len(scored.csv),
        rows=scored.rows,
        score=scored.score,
        time_spent=scored.time_spent,
        fps=scored.fps,
        user=user,
    )


def _note_reason(recording, unusable):
    values = {key: str(value) for key, value in unusable.values.items()}
    recording.reason, recording.reason_values = unusable.template, values
    recording.save(update_fields=["reason", "reason_values"])


def score_anew(recording, user):
    """Score a recording with the present scorer for a person; return its Result.

    Where the present scorer made the result in force, that one stays. An older result
    keeps its row, its version and its figures. A session that has failed stays failed.
    Raise NotScored, Unusable (a result in force stays) or StorageAway.
    """
    if recording.state not in (State.SCORED, State.UNUSABLE):
        raise NotScored
    content = _content(recording)
    scored = scoring.score(recording.session.type, content)
    with transaction.atomic():
        # Locked: of two at once the second finds the result of the first.
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        result = locked.results.current().first()
        sha256 = hashlib.sha256(scored.csv).hexdigest()
        if result and (result.scorer_version, result.sha256) == (
            scoring.VERSION,
            sha256,
        ):
            return result
        locked.results.current().update(replaced_at=timezone.now())
        result = _add_result(locked, scored, user)
        locked.state, locked.reason, locked.reason_values = State.SCORED, "", {}
        locked.save(update_fields=["state", "reason", "reason_values"])
        storage.put(result.key, scored.csv)
    return result
