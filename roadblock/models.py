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


class PlanQuerySet(models.QuerySet):
    def in_force(self):
        return self.filter(replaced_at=None, is_trial=False).exclude(made_at=None)


class Plan(models.Model):
    """Where roadblocks go in a chase, with what that is worth.

    First it is asked for; a worker makes it. A trial answers a "what if" and orders
    nobody about. Shares are of the runner's sampled routes; no choice of posts for the
    same cars catches more of these than `bound`.
    """

    class Reason(models.TextChoices):
        START = "start", _("the chase began")
        MOVED = "moved", _("the runner moved")
        LOST = "lost", _("a car was lost")
        ASKED = "asked", _("somebody asked")
        MANUAL = "manual", _("placed by hand")

    class Goal(models.TextChoices):
        EXPECTED = "expected", _("most routes")
        WORST = "worst", _("best worst case")

    chase = models.ForeignKey(Chase, models.CASCADE, related_name="plans")
    reason = models.CharField(_("reason"), max_length=6, choices=Reason)
    goal = models.CharField(
        _("goal"), max_length=8, choices=Goal, default=Goal.EXPECTED
    )
    is_trial = models.BooleanField(_("trial"), default=False)
    wishes = models.JSONField(default=dict)  # what was asked for beside the goal
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)

    made_at = models.DateTimeField(_("made"), null=True, blank=True)
    failure = models.CharField(_("failure"), max_length=40, blank=True, default="")
    share = models.FloatField(_("share caught"), default=0.0)
    bound = models.FloatField(_("upper bound"), default=0.0)
    proven = models.BooleanField(_("proven best"), default=False)
    seconds = models.FloatField(_("seconds"), default=0.0)
    previous_share = models.FloatField(
        null=True,
        blank=True,
        help_text=_("What the plan before it would still catch."),
    )
    runner_x = models.FloatField(null=True, blank=True)
    runner_y = models.FloatField(null=True, blank=True)
    heat = models.JSONField(default=list)  # [probability, [x, y, x, y, ...]]
    looked_at = models.DateTimeField(_("looked at"), null=True, blank=True)
    replaced_at = models.DateTimeField(_("replaced"), null=True, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "chase",
                condition=Q(replaced_at=None, is_trial=False, made_at__isnull=False),
                name="roadblock_one_plan_in_force_a_chase",
            )
        ]

    def __str__(self):
        return _("Plan {id}: {share:.0%}").format(id=self.pk, share=self.share)

    @property
    def gap(self):
        """How much of the bound may be missing, at most."""
        return (self.bound - self.share) / self.bound if self.bound > 0 else 0.0


class RoadblockQuerySet(models.QuerySet):
    def in_force(self):
        """Those that a car drives to or stands at."""
        states = Roadblock.State
        return self.filter(
            state__in=[states.QUEUED, states.SENT, states.ACKNOWLEDGED],
            plan__replaced_at=None,
            plan__chase__ended_at=None,
        )


class Roadblock(models.Model):
    """A car's post in a plan, and how far the order to go there has come."""

    class State(models.TextChoices):
        TRIAL = "trial", _("not ordered")
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        ACKNOWLEDGED = "acknowledged", _("in place or confirmed")
        FAILED = "failed", _("failed")
        EXPIRED = "expired", _("expired")

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="roadblocks")
    unit = models.ForeignKey(Vehicle, models.PROTECT, related_name="+")
    node = models.CharField(_("place"), max_length=100)
    x = models.FloatField()
    y = models.FloatField()
    heading = models.FloatField(_("heading, degrees"))
    eta = models.FloatField(_("seconds until there"), null=True, blank=True)
    slack = models.FloatField(_("seconds to spare"), null=True, blank=True)
    share = models.FloatField(_("share caught"), default=0.0)
    loss = models.FloatField(_("loss without it"), default=0.0)
    # The first four bytes of the order's signature: the vehicle knows it without
    # being told.
    command = models.BigIntegerField(_("command"), null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=12, choices=State, default=State.TRIAL
    )
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    objects = RoadblockQuerySet.as_manager()

    class Meta:
        verbose_name = _("roadblock")
        verbose_name_plural = _("roadblocks")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                "plan", "unit", name="roadblock_one_post_a_car_in_a_plan"
            )
        ]
        indexes = [
            # The orders that a starting server process reads.
            models.Index(
                "state",
                condition=Q(state__in=["queued", "sent", "acknowledged"]),
                name="roadblock_orders_in_force",
            )
        ]

    def __str__(self):
        return f"{self.unit}: {self.node}"


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


class Zone(models.Model):
    """A polygon on a map; cars that enter or leave it raise alerts."""

    class Watches(models.TextChoices):
        ALL = "all", _("all cars")
        POLICE = "police", _("police")
        RUNNER = "runner", _("runners")

    name = models.CharField(_("name"), max_length=80)
    map_id = models.PositiveIntegerField(_("map"))
    corners = models.JSONField(_("corners"))  # [[x, y], ...] in metres, not closed
    watches = models.CharField(
        _("watches"), max_length=6, choices=Watches, default=Watches.ALL
    )
    on_enter = models.BooleanField(_("tells who enters"), default=True)
    on_leave = models.BooleanField(_("tells who leaves"), default=True)
    active = models.BooleanField(_("active"), default=True)
    webhook = models.CharField(
        _("webhook"),
        max_length=500,
        blank=True,
        default="",
        help_text=_("Empty: the one that all alerts go to, if there is one."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("drawn"), default=timezone.now)

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        ordering = ["id"]

    def __str__(self):
        return self.name


class Alert(models.Model):
    """Something that operators should know now, and whether their webhook knows."""

    class Kind(models.TextChoices):
        ENTER = "enter", _("entered a zone")
        LEAVE = "leave", _("left a zone")
        SILENCE = "silence", _("fell silent")
        PROXIMITY = "proximity", _("near a runner")

    class Delivery(models.TextChoices):
        NONE = "none", _("none")
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    vehicle = models.ForeignKey(Vehicle, models.CASCADE, related_name="+")
    runner = models.ForeignKey(
        Vehicle, models.CASCADE, null=True, blank=True, related_name="+"
    )
    zone = models.ForeignKey(
        Zone, models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    zone_name = models.CharField(_("zone"), max_length=80, blank=True, default="")
    x = models.FloatField()
    y = models.FloatField()
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    webhook = models.CharField(_("webhook"), max_length=500, blank=True, default="")
    delivery = models.CharField(
        _("delivery"), max_length=9, choices=Delivery, default=Delivery.NONE
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    failure = models.CharField(_("failure"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-id"]
        indexes = [
            # What the delivering task looks for.
            models.Index(
                "due_at",
                condition=Q(delivery="waiting"),
                name="roadblock_alerts_to_deliver",
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.vehicle}"
