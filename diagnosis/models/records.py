"""Recordings of test sessions, what scoring made of them, and who looked at it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from diagnosis.models.clinic import Patient, TestSession


class RecordingQuerySet(models.QuerySet):
    def unscored(self):
        return self.filter(state=Recording.State.RECEIVED)


class Recording(models.Model):
    """A headset's file as it came; it is stored before this row, and never changes."""

    class State(models.TextChoices):
        RECEIVED = "RECEIVED", _("received")
        SCORED = "SCORED", _("scored")
        UNUSABLE = "UNUSABLE", _("unusable")
        LATE = "LATE", _("came too late")

    session = models.OneToOneField(
        TestSession,
        models.PROTECT,
        primary_key=True,
        related_name="recording",
        verbose_name=_("session"),
    )
    key = models.CharField(_("stored as"), max_length=200, unique=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    size = models.PositiveIntegerField(_("bytes"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.RECEIVED
    )
    # Why it is unusable: a text to translate, and the values to fill in.
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    reason_values = models.JSONField(default=dict, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts at scoring"), default=0)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        ordering = ["-received_at", "-pk"]
        indexes = [
            # What the beat looks for when a message was lost.
            models.Index(
                fields=["received_at"],
                condition=Q(state="RECEIVED"),
                name="diagnosis_recordings_unscored",
            ),
        ]

    def __str__(self):
        return self.filename

    @property
    def filename(self):
        return self.key.rpartition("/")[2]

    @property
    def why(self):
        """The reason in the reader's language."""
        return gettext(self.reason).format(**self.reason_values) if self.reason else ""


class ResultQuerySet(models.QuerySet):
    def current(self):
        return self.filter(replaced_at=None)


class Result(models.Model):
    """What scoring made of a recording; scored anew, the older result stays as it was.

    The processed file under `key` is that of the result in force; of an older one the
    SHA-256 stays, and its scorer's version.
    """

    recording = models.ForeignKey(
        Recording,
        models.PROTECT,
        related_name="results",
        verbose_name=_("recording"),
    )
    scorer_version = models.PositiveSmallIntegerField(_("scorer's version"))
    key = models.CharField(_("stored as"), max_length=200)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    size = models.PositiveIntegerField(_("bytes"))
    rows = models.PositiveIntegerField(_("rows"))
    score = models.FloatField(_("score"))
    time_spent = models.FloatField(_("seconds"))
    fps = models.FloatField(_("rows a second"))
    scored_at = models.DateTimeField(_("scored"), default=timezone.now)
    # Who asked for the scoring; None where the upload did.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("scored for"),
    )

    replaced_at = models.DateTimeField(_("replaced"), null=True, blank=True)

    objects = ResultQuerySet.as_manager()

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")
        ordering = ["-scored_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                "recording",
                condition=Q(replaced_at=None),
                name="diagnosis_one_result_a_recording",
            ),
        ]

    def __str__(self):
        return self.filename

    @property
    def filename(self):
        return self.key.rpartition("/")[2]


class RecordRead(models.Model):
    """That a person looked at a patient's record: who, whose, what, when."""

    class What(models.TextChoices):
        METADATA = "metadata", _("figures")
        FILE = "file", _("file")
        ANALYSIS = "analysis", _("plots")
        TREND = "trend", _("trend")
        FHIR = "fhir", _("FHIR observation")
        RAW = "raw", _("raw recording")
        ADMIN = "admin", _("admin page")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name=_("person"),
    )
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="+", verbose_name=_("patient")
    )
    session = models.ForeignKey(
        TestSession,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("session"),
    )
    what = models.CharField(_("looked at"), max_length=8, choices=What.choices)
    read_at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("look at a record")
        verbose_name_plural = _("looks at records")
        ordering = ["-read_at", "-id"]

    def __str__(self):
        return f"{self.user}: {self.patient}"
