"""Accounts and their patients, test sessions and headsets."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    NONE = "NONE", _("none")
    DOCTOR = "DOCTOR", _("doctor")
    NURSE = "NURSE", _("nurse")
    STAFF = "STAFF", _("staff")
    PATIENT = "PATIENT", _("patient")


class Account(models.Model):
    """A person in the clinic; `id` is the doctor's number that patient codes show."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="diagnosis_account",
        verbose_name=_("person"),
    )
    # None for people who came from elsewhere and sign in with their e-mail address.
    login_id = models.CharField(
        _("login ID"), max_length=20, unique=True, null=True, blank=True
    )
    role = models.CharField(
        _("role"), max_length=7, choices=Role.choices, default=Role.NONE
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("last change"), auto_now=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["id"]

    def __str__(self):
        return self.user.get_full_name()


class SignIn(models.Model):
    """A refresh token in use; of the token itself only a hash is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="diagnosis_sign_ins"
    )
    sha256 = models.CharField(max_length=64, unique=True)
    # What the user's password makes of itself: another password ends the sign-in.
    password_mark = models.CharField(max_length=128)
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self):
        return f"{self.user_id}/{self.pk}"


class PatientQuerySet(models.QuerySet):
    def present(self):
        return self.filter(removed_at=None)

    def visible_to(self, user):
        """Those whom the user treats; a superuser sees all."""
        if user.is_superuser:
            return self
        return self.filter(doctor__user=user, doctor__role=Role.DOCTOR)


class Patient(models.Model):
    """Somebody whom a doctor tests; removed ones keep their code and their records."""

    doctor = models.ForeignKey(
        Account, models.PROTECT, related_name="patients", verbose_name=_("doctor")
    )
    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    updated_at = models.DateTimeField(_("last change"), auto_now=True)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["id"]
        permissions = [("read_patient_names", _("Can read patients' names"))]

    def __str__(self):
        return self.code


class State(models.TextChoices):
    READY = "READY", _("ready")
    STARTED = "STARTED", _("running")
    CANCELLED = "CANCELLED", _("cancelled")
    FAILED = "FAILED", _("failed")
    COMPLETED = "COMPLETED", _("completed")
    EXPIRED = "EXPIRED", _("expired")


LIVE = (State.READY, State.STARTED)


class TestSessionQuerySet(models.QuerySet):
    def live(self):
        return self.filter(state__in=LIVE)

    def visible_to(self, user):
        """Those of the user's patients; a superuser sees all."""
        if user.is_superuser:
            return self
        return self.filter(
            patient__doctor__user=user, patient__doctor__role=Role.DOCTOR
        )


class TestSession(models.Model):
    """One test of a patient, from the doctor's start to its end."""

    class Type(models.TextChoices):
        BALANCEBALL = "BALANCEBALL", _("balance ball")
        FITBOX = "FITBOX", _("fit box")
        TENNISBALL = "TENNISBALL", _("tennis ball")

    doctor = models.ForeignKey(
        Account, models.PROTECT, related_name="sessions", verbose_name=_("doctor")
    )
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="sessions", verbose_name=_("patient")
    )
    code = models.CharField(_("code"), max_length=6)
    type = models.CharField(_("test"), max_length=11, choices=Type.choices)
    level = models.PositiveSmallIntegerField(_("level"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expired_at = models.DateTimeField(_("expires"))

    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.READY
    )
    reason = models.TextField(_("reason"), blank=True, default="")
    # When a recording was stored: from then on the session waits for its score and
    # does not expire.
    received_at = models.DateTimeField(_("recording received"), null=True, blank=True)
    updated_at = models.DateTimeField(_("last change"), default=timezone.now)

    objects = TestSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                "doctor",
                condition=Q(state__in=LIVE),
                name="diagnosis_one_live_session_a_doctor",
            ),
            models.UniqueConstraint(
                "patient",
                condition=Q(state__in=LIVE),
                name="diagnosis_one_live_session_a_patient",
            ),
            models.UniqueConstraint(
                "code",
                condition=Q(state__in=LIVE),
                name="diagnosis_one_live_session_a_code",
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1, level__lte=3),
                name="diagnosis_level_is_1_to_3",
            ),
        ]
        indexes = [
            # The list of a patient's records, newest first.
            models.Index(
                fields=["patient", "-created_at", "-id"],
                name="diagnosis_sessions_of_patient",
            ),
            # What expires next; the beat asks every few seconds.
            models.Index(
                fields=["expired_at"],
                condition=Q(state__in=LIVE, received_at=None),
                name="diagnosis_sessions_to_expire",
            ),
        ]

    def __str__(self):
        return f"{self.get_type_display()} {self.level} ({self.code})"

    @property
    def is_live(self):
        return self.state in LIVE


class SessionTransition(models.Model):
    """One change of a session's state; `id` is what watchers resume from."""

    class Actor(models.TextChoices):
        PERSON = "person", _("person")
        HEADSET = "headset", _("headset")
        CLOCK = "clock", _("clock")
        SCORING = "scoring", _("scoring")

    session = models.ForeignKey(TestSession, models.CASCADE, related_name="transitions")
    from_state = models.CharField(
        _("from"), max_length=9, choices=State.choices, blank=True, default=""
    )
    to_state = models.CharField(_("to"), max_length=9, choices=State.choices)
    actor = models.CharField(_("by"), max_length=7, choices=Actor.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
    )
    reason = models.TextField(_("reason"), blank=True, default="")
    created_at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["session", "id"], name="diagnosis_transitions_in_order"
            )
        ]

    def __str__(self):
        return f"{self.from_state or '-'} → {self.to_state}"


class HeadsetToken(models.Model):
    """Lets one headset speak for one patient; of the token only a hash is kept."""

    patient = models.ForeignKey(
        Patient,
        models.CASCADE,
        related_name="headset_tokens",
        verbose_name=_("patient"),
    )
    name = models.CharField(_("headset"), max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("made"), default=timezone.now)

    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("headset token")
        verbose_name_plural = _("headset tokens")
        ordering = ["-created_at", "-id"]

    def __str__(self):
        return self.name or str(self.patient)


class Upload(models.Model):
    """A recording on its way in pieces; gone once it has arrived."""

    session = models.OneToOneField(TestSession, models.CASCADE, related_name="upload")
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    stored = models.PositiveIntegerField(default=0)  # bytes, without a gap

    def __str__(self):
        return f"{self.stored} / {self.size}"


class UploadPiece(models.Model):
    """Some bytes of an Upload, as acknowledged to the headset."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="pieces")
    offset = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["offset"]
        constraints = [
            models.UniqueConstraint(
                "upload", "offset", name="diagnosis_one_piece_an_offset"
            )
        ]

    def __str__(self):
        return f"{self.offset} + {len(self.content)}"
