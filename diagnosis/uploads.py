"""Recordings on their way from a headset: whole in one frame, or in pieces.

A piece is acknowledged once it is in the database, so neither a broken line nor a
killed process loses it: the headset asks where to go on, here or at another process.
"""

import hashlib

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import Conflict, DomainError
from diagnosis import recordings, sessions
from diagnosis.models import LIVE, TestSession, Upload

PIECE_BYTES = 1 << 20


class TooLarge(DomainError):
    """The recording is too large; the session has failed."""

    code = "too_large"


class NotBegun(Conflict):
    """Begin the upload first."""

    code = "upload_not_begun"


class WrongOffset(Conflict):
    """This piece does not follow the stored ones; begin again to learn the offset."""

    code = "wrong_offset"


class WrongSize(DomainError):
    """This piece is too large, or goes beyond the size of the recording."""

    code = "wrong_size"


class WrongDigest(DomainError):
    """The SHA-256 is another; send it again."""

    code = "wrong_digest"


class Incomplete(Conflict):
    """Some of the recording is missing."""

    code = "upload_incomplete"


def take_whole(session_id, patient_id, content):
    """Store what came in one piece and return its Recording.

    Raise UnknownSession, TooLarge or Ended.
    """
    session = sessions.of_headset(session_id, patient_id)
    _fail_if_too_large(session, len(content))
    return recordings.take(session, content)


def begin(session_id, patient_id, size, sha256):
    """Announce a recording; return how much of it is stored, and whether it is whole.

    The same recording goes on where it stopped, another one starts anew. Raise
    UnknownSession, TooLarge or Ended.
    """
    session = sessions.of_headset(session_id, patient_id)
    _fail_if_too_large(session, size)
    with transaction.atomic():
        announced = {"size": size, "sha256": sha256}
        Upload.objects.get_or_create(session=session, defaults=announced)
        upload = Upload.objects.select_for_update().get(session=session)
        is_same = (upload.size, upload.sha256) == (size, sha256)
        session.refresh_from_db()
        if is_same and session.received_at:
            return size, True  # the acknowledgement of the end was lost
        if session.state not in LIVE or session.received_at:
            raise sessions.Ended
        if not is_same:
            upload.pieces.all().delete()
            upload.size, upload.sha256, upload.stored = size, sha256, 0
            upload.save(update_fields=["size", "sha256", "stored"])
        return upload.stored, False


def add(session_id, patient_id, offset, content, sha256):
    """Store a piece and return how many bytes are stored now.

    A piece that is stored already changes nothing. Raise UnknownSession, NotBegun,
    Ended, WrongDigest, WrongSize or WrongOffset.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WrongDigest
    session = sessions.of_headset(session_id, patient_id)
    with transaction.atomic():
        upload = _locked(session, also_session=True)
        if offset + len(content) <= upload.stored:
            return upload.stored
        if offset != upload.stored:
            raise WrongOffset
        if len(content) > PIECE_BYTES or offset + len(content) > upload.size:
            raise WrongSize
        upload.pieces.create(offset=offset, content=content)
        upload.stored += len(content)
        upload.save(update_fields=["stored"])
        return upload.stored


def end(session_id, patient_id):
    """Make a Recording of the pieces and return it.

    Raise UnknownSession, NotBegun, Ended, Incomplete, or WrongDigest, after which the
    pieces are gone.
    """
    session = sessions.of_headset(session_id, patient_id)
    with transaction.atomic():
        upload = _locked(session)
        if upload.stored < upload.size:
            raise Incomplete
        pieces = upload.pieces.values_list("content", flat=True)
        content = b"".join(bytes(piece) for piece in pieces)
        is_whole = hashlib.sha256(content).hexdigest() == upload.sha256
        if is_whole:
            recording = recordings.take(session, content)
        else:
            upload.stored = 0
            upload.save(update_fields=["stored"])
        upload.pieces.all().delete()
    if not is_whole:  # outside, or the pieces would come back
        raise WrongDigest
    return recording


def _locked(session, also_session=False):
    """Return the upload of a session that waits for one, locked against other pieces.

    With its session locked too, the session's end waits and clears this piece away.
    """
    upload = Upload.objects.select_for_update().filter(session=session).first()
    if upload is None:
        raise NotBegun
    found = TestSession.objects.filter(pk=session.pk)
    if also_session:
        found = found.select_for_update(no_key=True)
    session = found.get()
    if session.state not in LIVE or session.received_at:
        raise sessions.Ended
    return upload


def _fail_if_too_large(session, size):
    if size > settings.DIAGNOSIS_UPLOAD_BYTES:
        reason = _("The recording is too large.")
        sessions.give_up(session.pk, session.patient_id, reason)
        raise TooLarge
