"""Vehicles and where they were, chases and what happened in them."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.secrets import SecretField


class VehicleType(models.TextChoices):
    POLICE = "police", _("police")
    RUNNER = "runner", _("runner")


class VehicleQuerySet(models.QuerySet):
    def live(self):
        return self.filter(deleted_at=None)


class Vehicle(models.Model):
    """A car: `vehicle_id` is the simulator's number for it, `id` is ours."""

    vehicle_id = models.BigIntegerField(_("vehicle number"))
    car_name = models.CharField(_("name"), max_length=50)
    vehicle_type = models.CharField(_("type"), max_length=6, choices=VehicleType)
    # What the car calls itself: an operator's new name must not keep a restarted
    # car, which announces its old one, from coming back.
    announced_name = models.CharField(max_length=50, editable=False)
    map_id = models.PositiveIntegerField(
        _("map"), null=True, blank=True, help_text=_("Empty: the default map.")
    )
    created_at = models.DateTimeField(_("registered"), default=timezone.now)
    deleted_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = VehicleQuerySet.as_manager()

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        ordering = ["id"]
        constraints = [
            # Among live cars only: a retired car's name and number are free again.
            models.UniqueConstraint(
                "vehicle_id",
                condition=Q(deleted_at=None),
                name="roadblock_one_live_vehicle_a_number",
            ),
            models.UniqueConstraint(
                "car_name",
                condition=Q(deleted_at=None),
                name="roadblock_one_live_vehicle_a_name",
            ),
            models.CheckConstraint(
                condition=Q(vehicle_id__gte=0, vehicle_id__lt=2**32),
                name="roadblock_vehicle_number_is_uint32",
            ),
        ]

    def __str__(self):
        return self.car_name

    @property
    def is_police(self):
        return self.vehicle_type == VehicleType.POLICE


class PoliceCar(models.Model):
    """How a police car is: fuel and damage, as it last told."""

    class Status(models.TextChoices):
        NORMAL = "normal", _("normal")
        HALF_DESTROYED = "half_destroyed", _("half destroyed")
        COMPLETE_DESTROYED = "complete_destroyed", _("destroyed")

    vehicle = models.OneToOneField(
        Vehicle, models.CASCADE, primary_key=True, related_name="details"
    )
    fuel = models.PositiveSmallIntegerField(_("fuel, percent"), default=100)
    collision_count = models.PositiveSmallIntegerField(_("collisions"), default=0)
    status = models.CharField(
        _("condition"), max_length=18, choices=Status, default=Status.NORMAL
    )

    class Meta:
        verbose_name = _("police details")
        verbose_name_plural = _("police details")
        constraints = [
            models.CheckConstraint(
                condition=Q(fuel__lte=100), name="roadblock_fuel_is_percent"
            ),
            models.CheckConstraint(
                condition=Q(collision_count__lte=255),
                name="roadblock_collision_count_is_uint8",
            ),
        ]

    def __str__(self):
        return f"{self.fuel} %, {self.get_status_display()}"


class VehicleKey(models.Model):
    """A key of its own for one car, in place of the one that all share."""

    vehicle_id = models.BigIntegerField(_("vehicle number"), primary_key=True)
    secret = SecretField()
    counter_required = models.BooleanField(
        _("signed counter"),
        default=False,
        help_text=_(
            "Refuse frames without a rising counter, so that none can be "
            "recorded and sent again."
        ),
    )
    created_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("vehicle key")
        verbose_name_plural = _("vehicle keys")

    def __str__(self):
        return _("Key of vehicle {number}").format(number=self.vehicle_id)


class Position(models.Model):
    """Where a car was; metres in the map's local system."""

    # No foreign key in the database: vehicles are never removed, so checking each of
    # ten thousand rows a second would find nothing.
    vehicle = models.ForeignKey(
        Vehicle,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    x = models.FloatField()
    y = models.FloatField()
    created_at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("position")
        verbose_name_plural = _("positions")
        indexes = [
            models.Index("vehicle", "created_at", name="roadblock_track_of_a_vehicle"),
            # The sweep of old rows; a hundredth of a b-tree's size on rows in order.
            BrinIndex("created_at", name="roadblock_positions_by_time"),
        ]

    def __str__(self):
        return f"({self.x:.1f}, {self.y:.1f})"


class Chase(models.Model):
    """From a runner's start to its catch, or until it is given up."""

    class Outcome(models.TextChoices):
        CAUGHT = "caught", _("caught")
        CLOSED = "closed", _("closed")

    runner = models.ForeignKey(Vehicle, models.PROTECT, related_name="chases")
    started_at = models.DateTimeField(_("started"), default=timezone.now)

    catcher = models.ForeignKey(
        Vehicle, models.PROTECT, null=True, blank=True, related_name="catches"
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=6, choices=Outcome, blank=True, default=""
    )
    # What reports say of it once it has ended (reports.measure), as its positions go.
    figures = models.JSONField(_("figures"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("chase")
        verbose_name_plural = _("chases")
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                "runner",
                condition=Q(ended_at=None),
                name="roadblock_one_open_chase_a_runner",
            )
        ]

    def __str__(self):
        return _("Chase of {runner}").format(runner=self.runner)

    @property
    def is_open(self):
        return self.ended_at is None


class Event(models.Model):
    """What happened in a chase; the log that dashboards show."""

    class Status(models.TextChoices):
        RUN = "run", _("run")
        CATCH = "catch", _("catch")
        FAILED = "failed", _("failed")

    catcher = models.ForeignKey(
        Vehicle, models.PROTECT, null=True, blank=True, related_name="+"
    )
    runner = models.ForeignKey(Vehicle, models.PROTECT, related_name="+")
    chase = models.ForeignKey(Chase, models.PROTECT, related_name="events")
    status = models.CharField(_("status"), max_length=6, choices=Status)
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index("created_at", "id", name="roadblock_event_log")]

    def __str__(self):
        return f"{self.get_status_display()}: {self.runner}"
