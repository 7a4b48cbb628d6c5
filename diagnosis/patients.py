"""Patients: add, rename, remove; whose they are."""

import contextlib
import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from config.errors import DomainError, Forbidden, NotFound
from config.realtime import publish
from diagnosis import sessions
from diagnosis.models import Account, Patient, TestSession
from diagnosis.presence import headset_group

MOST_PATIENTS = 1000
ATTEMPTS = 20


class UnknownPatient(NotFound):
    """There is no such patient."""

    code = "unknown_patient"


class NotYourPatient(Forbidden):
    """This patient is another doctor's."""

    code = "not_your_patient"


class CodeTaken(DomainError):
    """Another patient has this code."""

    code = "code_taken"


class TooManyPatients(DomainError):
    """A doctor can have 1000 patients; remove some first."""

    code = "too_many_patients"


def owned(user, patient_id):
    """Return the user's patient; raise UnknownPatient or NotYourPatient."""
    present = Patient.objects.present().select_related("doctor")
    patient = present.filter(pk=patient_id).first()
    if patient is None:
        raise UnknownPatient
    if not present.visible_to(user).filter(pk=patient.pk).exists():
        raise NotYourPatient
    return patient


def add(doctor, *, name, code=""):
    """Make a patient of the doctor, with the next free code unless one is given.

    Raise CodeTaken or TooManyPatients. Of two additions at once each gets a code.
    """
    for _attempt in range(ATTEMPTS):
        with transaction.atomic():
            # Locked: the doctor's other additions count and number after this one.
            Account.objects.select_for_update(no_key=True).get(pk=doctor.pk)
            if doctor.patients.present().count() >= MOST_PATIENTS:
                raise TooManyPatients
            try:
                with transaction.atomic():
                    return Patient.objects.create(
                        doctor=doctor, name=name, code=code or free_code(doctor)
                    )
            except IntegrityError as error:
                if code:
                    raise CodeTaken from error
        # A doctor whose number ends alike has just taken the code: look again.
    raise CodeTaken


def free_code(doctor):
    """Return `DDD-NNN`: the doctor's number, and the first number free after it.

    Codes of removed patients stay taken, and so do those of doctors whose numbers end
    alike.
    """
    prefix = f"{doctor.pk % 1000:03d}-"
    codes = Patient.objects.filter(code__startswith=prefix).values_list("code")
    taken = {
        int(tail) for (code,) in codes if re.fullmatch(r"\d{3,}", tail := code[4:])
    }
    number = next(n for n in range(len(taken) + 1) if n not in taken)
    return f"{prefix}{number:03d}"


def rename(patient, name):
    """Give the patient another name."""
    patient.name = name
    patient.save(update_fields=["name", "updated_at"])


def remove(patient, *, by):
    """Mark the patient as removed; the live session ends, the headset is let go."""
    with transaction.atomic():
        patient.removed_at = timezone.now()
        patient.save(update_fields=["removed_at", "updated_at"])
        for session in TestSession.objects.live().filter(patient=patient):
            with contextlib.suppress(sessions.Ended):
                sessions.cancel(session.pk, by=by)
        publish(headset_group(patient.pk), "patient.removed")
