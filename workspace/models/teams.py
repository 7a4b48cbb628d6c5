"""Teams: groups of people with a name, whom the other apps may ask about."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TeamQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The teams that somebody is in or invited to; administrators see all."""
        if user.is_staff:
            return self
        within = Q(memberships__user=user) | Q(invitations__user=user)
        return self.filter(within).distinct()


class Team(models.Model):
    """People who work together."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="workspace_one_team_a_name",
                violation_error_message=_("Another team has this name."),
            )
        ]

    def __str__(self):
        return self.name


class TeamRole(models.TextChoices):
    OWNER = "owner", _("owner")
    MANAGER = "manager", _("manager")
    READER = "reader", _("member")


class Membership(models.Model):
    """Somebody in a team; one of them owns it."""

    team = models.ForeignKey(
        Team, models.CASCADE, related_name="memberships", verbose_name=_("team")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="memberships",
        verbose_name=_("person"),
    )
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)

    role = models.CharField(
        _("role"), max_length=20, choices=TeamRole.choices, default=TeamRole.READER
    )

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint("team", "user", name="workspace_once_in_a_team"),
            models.UniqueConstraint(
                "team",
                condition=Q(role="owner"),
                name="workspace_one_owner_a_team",
            ),
        ]

    def __str__(self):
        return f"{self.user} · {self.team}"


class Invitation(models.Model):
    """Somebody who may join a team."""

    team = models.ForeignKey(
        Team, models.CASCADE, related_name="invitations", verbose_name=_("team")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="invitations",
        verbose_name=_("person"),
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        verbose_name=_("invited by"),
    )
    invited_at = models.DateTimeField(_("invited"), default=timezone.now)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["invited_at", "pk"]
        constraints = [
            models.UniqueConstraint("team", "user", name="workspace_invited_once")
        ]

    def __str__(self):
        return f"{self.user} → {self.team}"
