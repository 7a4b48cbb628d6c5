"""Headsets: which of them may speak for a patient, and the tokens they do it with."""

import hashlib
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config.errors import Forbidden, Unauthorized
from config.realtime import publish
from config.throttling import Rate
from diagnosis.models import HeadsetToken, Patient
from diagnosis.presence import headset_group

PREFIX = "headset_"
# Patient codes can be guessed; for one address, over all codes.
REFUSALS = Rate("diagnosis-headset-refusals", limit=30, seconds=60)


class UnknownHeadset(Unauthorized):
    """A headset needs a token, or a doctor who is signed in."""

    code = "unknown_headset"


class NotThisPatient(Forbidden):
    """There is no such patient, or not for you."""

    code = "not_this_patient"


class WrongProgram(Forbidden):
    """This program is not let in."""

    code = "wrong_program"


@dataclass(frozen=True)
class Admission:
    """Whose headset a socket is, and by which token it came if by one."""

    patient_id: int
    doctor_id: int
    token_id: int | None = None


def issue(patient, name=""):
    """Make a token for a headset of the patient; return it and, this once, its text."""
    text = PREFIX + secrets.token_urlsafe(32)
    token = HeadsetToken.objects.create(
        patient=patient, name=name, sha256=_sha256(text)
    )
    return token, text


def revoke(token):
    """End a token; a socket that came by it closes."""
    with transaction.atomic():
        HeadsetToken.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        publish(headset_group(token.patient_id), "headset.revoked", token=token.pk)


def admit(code, *, user, token, user_agent, address):
    """Return the Admission of a socket that names a patient's code.

    It may be a superuser, the patient's doctor, or the bearer of a token for this
    patient; anybody where DIAGNOSIS_CODE_ONLY_SOCKETS says so. Raise WrongProgram,
    UnknownHeadset or NotThisPatient, or TooMany after thirty of them within a minute.
    Strangers learn nothing about which codes there are.
    """
    refuse_programs(user_agent)
    REFUSALS.check(address)
    patient = Patient.objects.present().filter(code=code).first()
    if patient is not None:
        if settings.DIAGNOSIS_CODE_ONLY_SOCKETS:
            return Admission(patient.pk, patient.doctor_id)
        if _treats(user, patient):
            return Admission(patient.pk, patient.doctor_id)
        if token.startswith(PREFIX) and (found := _use(token, patient)):
            return Admission(patient.pk, patient.doctor_id, found.pk)
    REFUSALS.take(address)
    if user.is_authenticated or settings.DIAGNOSIS_CODE_ONLY_SOCKETS:
        raise NotThisPatient
    raise UnknownHeadset


def _treats(user, patient):
    if not user.is_authenticated:
        return False
    return Patient.objects.visible_to(user).filter(pk=patient.pk).exists()


def _use(token, patient):
    tokens = patient.headset_tokens.filter(sha256=_sha256(token), revoked_at=None)
    found = tokens.first()
    if found is not None:
        found.last_used_at = timezone.now()
        found.save(update_fields=["last_used_at"])
    return found


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


# Programs


def refuse_programs(user_agent):
    """Raise WrongProgram unless the settings let a User-Agent in."""
    allowed = settings.VR_CLIENT_USER_AGENTS
    blocked = settings.VR_CLIENT_BLOCKED_USER_AGENTS
    if allowed and not is_let_in(user_agent, allowed, blocked):
        raise WrongProgram


def is_let_in(user_agent, allowed, blocked):
    """Tell whether a User-Agent has a part that is allowed and none that is blocked."""
    if any(part in user_agent for part in blocked):
        return False
    return any(part in user_agent for part in allowed)
