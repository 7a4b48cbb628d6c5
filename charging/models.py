"""Bays, reservations and their half hours; sightings, waiting list, site settings."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from config.clock import clock

SLOT_MINUTES = 30
PLATE_LENGTH = 32


class ChargingSession(models.Model):
    """A charging bay; clients call it a session and know it by its number."""

    id = models.PositiveIntegerField(_("number"), primary_key=True)
    name = models.CharField(_("name"), max_length=100, unique=True)

    class Meta:
        verbose_name = _("bay")
        verbose_name_plural = _("bays")
        ordering = ["id"]

    def __str__(self):
        return self.name


class Status(models.TextChoices):
    CONFIRMED = "CONFIRMED", _("confirmed")
    IN_PROGRESS = "IN_PROGRESS", _("in progress")
    COMPLETED = "COMPLETED", _("completed")
    CANCELLED = "CANCELLED", _("cancelled")


class ReservationQuerySet(models.QuerySet):
    def live(self):
        """Leave out what was cancelled: it appears in no answer."""
        return self.filter(status=Status.CONFIRMED)

    def with_state(self, now=None):
        """Add `state`: the stored status, seen at the present moment."""
        now = now or timezone.now()
        return self.annotate(
            state=Case(
                When(status=Status.CANCELLED, then=Value(Status.CANCELLED)),
                When(starts_at__gt=now, then=Value(Status.CONFIRMED)),
                When(ends_at__gt=now, then=Value(Status.IN_PROGRESS)),
                default=Value(Status.COMPLETED),
            )
        )

    def visible_to(self, user):
        """Keep the rows that are the user's own; staff see every row."""
        return self if user.is_staff else self.filter(owner=user)


class Reservation(models.Model):
    """One car in one bay from `starts_at` to `ends_at`.

    Only CONFIRMED and CANCELLED are stored; `with_state` tells the rest by the clock.
    A row with `held_until` is an offer to somebody on the waiting list.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(
        ChargingSession,
        models.PROTECT,
        related_name="reservations",
        verbose_name=_("bay"),
        db_index=False,  # (session, starts_at) serves
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    plate = models.CharField(_("plate"), max_length=PLATE_LENGTH)
    plate_normalized = models.CharField(
        _("plate, normalised"), max_length=PLATE_LENGTH, editable=False
    )
    contact_email = models.CharField(
        _("contact e-mail"), max_length=254, null=True, blank=True
    )
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.CONFIRMED
    )
    updated_at = models.DateTimeField(_("last change"), default=timezone.now)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("cancelled by"),
    )
    cancel_reason = models.CharField(_("reason"), max_length=300, blank=True)
    held_until = models.DateTimeField(_("offered until"), null=True, blank=True)
    checked_in_at = models.DateTimeField(_("checked in"), null=True, blank=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    overstay_told_at = models.DateTimeField(_("overstay noted"), null=True, blank=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        ordering = ["-starts_at"]
        permissions = [("cancel_reservation", _("Can cancel reservations"))]
        indexes = [
            models.Index("session", "starts_at", name="charging_of_a_bay"),
            models.Index("plate_normalized", "starts_at", name="charging_of_a_plate"),
            models.Index(Lower("contact_email"), name="charging_of_an_address"),
            # A day's list, over all bays.
            models.Index("starts_at", name="charging_of_a_day"),
            # Offers that run out; there are never more than a few.
            models.Index(
                "held_until",
                name="charging_held",
                condition=Q(held_until__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")), name="charging_start_first"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[Status.CONFIRMED, Status.CANCELLED]),
                name="charging_stored_status",
            ),
        ]

    def __str__(self):
        return f"{self.plate} {clock(self.starts_at)}"

    @property
    def is_cancelled(self):
        return self.status == Status.CANCELLED


class ReservationSlot(models.Model):
    """Half an hour of one bay held by one reservation; makes double booking impossible.

    A cancelled reservation has none.
    """

    reservation = models.ForeignKey(Reservation, models.CASCADE, related_name="slots")
    session = models.ForeignKey(
        ChargingSession, models.CASCADE, related_name="+", db_index=False
    )
    plate_normalized = models.CharField(max_length=PLATE_LENGTH)
    slot_start = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "slot_start"], name="charging_one_car_a_bay"
            ),
            models.UniqueConstraint(
                fields=["plate_normalized", "slot_start"], name="charging_one_bay_a_car"
            ),
        ]

    def __str__(self):
        return f"{self.session_id} {clock(self.slot_start)}"


class PlateSighting(models.Model):
    """A plate that a camera or a person saw, and the reservation it belonged to."""

    class Source(models.TextChoices):
        MATCH = "match", _("match")
        RECOGNITION = "recognition", _("recognition")

    plate = models.CharField(_("plate"), max_length=200)
    plate_normalized = models.CharField(
        _("plate, normalised"), max_length=PLATE_LENGTH, blank=True
    )
    seen_at = models.DateTimeField(_("seen"))
    source = models.CharField(_("source"), max_length=20, choices=Source.choices)
    confidence = models.FloatField(_("confidence"), null=True)
    reservation = models.ForeignKey(
        Reservation,
        models.SET_NULL,
        null=True,
        related_name="sightings",
        verbose_name=_("reservation"),
    )
    created_at = models.DateTimeField(_("stored"), default=timezone.now)

    class Meta:
        verbose_name = _("sighting")
        verbose_name_plural = _("sightings")
        ordering = ["-pk"]  # as they came in: who tells of one may name any time
        indexes = [
            models.Index("plate_normalized", "seen_at", name="charging_seen_plate"),
            models.Index("seen_at", name="charging_seen_at"),
            models.Index("created_at", name="charging_seen_stored"),  # the sweep
        ]

    def __str__(self):
        return f"{self.plate} {clock(self.seen_at)}"


class WaitingEntry(models.Model):
    """Somebody who waits for a window that is taken; its id is the secret to it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        OFFERED = "offered", _("offered")
        TAKEN = "taken", _("taken")
        LAPSED = "lapsed", _("lapsed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(
        ChargingSession,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("bay"),
        help_text=_("Empty means any bay."),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    plate = models.CharField(_("plate"), max_length=PLATE_LENGTH)
    plate_normalized = models.CharField(max_length=PLATE_LENGTH, editable=False)
    contact_email = models.CharField(_("contact e-mail"), max_length=254)
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    language = models.CharField(_("language"), max_length=10)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    state = models.CharField(
        _("state"), max_length=20, choices=State.choices, default=State.WAITING
    )
    offer = models.OneToOneField(
        Reservation,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="waiting_entry",
        verbose_name=_("offer"),
    )
    told_at = models.DateTimeField(_("told"), null=True, blank=True)

    class Meta:
        verbose_name = _("waiting entry")
        verbose_name_plural = _("waiting list")
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="charging_waits_start_first",
            ),
            models.UniqueConstraint(
                fields=["plate_normalized", "starts_at", "ends_at"],
                condition=Q(state__in=["waiting", "offered"]),
                name="charging_waits_once",
            ),
        ]
        indexes = [
            models.Index(
                "starts_at",
                name="charging_waiting",
                condition=Q(state__in=["waiting", "offered"]),
            )
        ]

    def __str__(self):
        return f"{self.plate} {clock(self.starts_at)}"


class IdempotencyKey(models.Model):
    """The answer to a creation, kept so that a client may safely ask again."""

    key = models.CharField(max_length=255)
    caller = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "key"], name="charging_one_answer_a_key"
            )
        ]

    def __str__(self):
        return f"{self.caller} {self.key}"


# Site settings


def times_of_day():
    minutes = range(0, 24 * 60 + 1, SLOT_MINUTES)
    return [(m, f"{m // 60:02}:{m % 60:02}") for m in minutes]


class BusinessHours(models.Model):
    """When the site is open on a weekday; one without a row has the defaults."""

    weekday = models.PositiveSmallIntegerField(
        _("weekday"),
        choices=WEEKDAYS,
        unique=True,
    )
    opens = models.PositiveSmallIntegerField(_("opens"), choices=times_of_day)
    closes = models.PositiveSmallIntegerField(
        _("closes"),
        choices=times_of_day,
        help_text=_("The same as the opening means closed all day."),
    )

    class Meta:
        verbose_name = _("business hours")
        verbose_name_plural = _("business hours")
        ordering = ["weekday"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__lte=F("closes"), closes__lte=24 * 60),
                name="charging_opens_first",
                violation_error_message=_("The site must open before it closes."),
            )
        ]

    def __str__(self):
        return str(self.get_weekday_display())


class Closure(models.Model):
    """Days on which the whole site is closed, both ends included."""

    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["-first_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_day__lte=F("last_day")),
                name="charging_closure_in_order",
                violation_error_message=_("The last day must not be before the first."),
            )
        ]

    def __str__(self):
        if self.first_day == self.last_day:
            return str(self.first_day)
        return f"{self.first_day} – {self.last_day}"


class Outage(models.Model):
    """A span of time in which one bay is out of service."""

    session = models.ForeignKey(
        ChargingSession,
        models.CASCADE,
        related_name="outages",
        verbose_name=_("bay"),
    )
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="charging_outage_in_order",
                violation_error_message=_("The end must be after the start."),
            )
        ]

    def __str__(self):
        return f"{self.session} {clock(self.starts_at)}"
