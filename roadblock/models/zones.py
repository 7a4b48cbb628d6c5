"""Zones on a map, and what the watch over the fleet noticed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from roadblock.models.vehicles import Vehicle


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
