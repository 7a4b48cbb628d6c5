"""Plans of a chase: which car closes which road."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from roadblock.models.vehicles import Chase, Vehicle


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
        CONTAIN = "contain", _("no way out")

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
    # Of a plan that shall leave no way out: possible (null: not known), fewest, ways.
    containment = models.JSONField(null=True, blank=True)
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
