"""Terminals that outlive their tabs, and the recordings of what was shown."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.clock import clock

SUPERVISE = "sshops.supervise_terminals"


class OwnQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Keep the user's own; who supervises sees all."""
        return self if user.has_perm(SUPERVISE) else self.filter(user=user)


class Recording(models.Model):
    """What a shell or a command showed, as a file in asciicast v2."""

    class Kind(models.TextChoices):
        SHELL = "shell", _("terminal")
        COMMAND = "command", _("command")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    user_email = models.CharField(_("e-mail"), max_length=254)
    server_name = models.CharField(_("server"), max_length=64)
    text = models.TextField(_("command"), blank=True)
    started_at = models.DateTimeField(_("start"), default=timezone.now, db_index=True)

    ended_at = models.DateTimeField(_("end"), null=True)
    seconds = models.FloatField(_("seconds"), default=0)
    size = models.BigIntegerField(_("bytes"), default=0)
    # False as well while it goes on, and for good when its process was killed.
    is_complete = models.BooleanField(_("complete"), default=False)

    objects = OwnQuerySet.as_manager()

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        ordering = ["-started_at"]

    def __str__(self):
        return f"{self.server_name} {clock(self.started_at)}"

    @property
    def path(self):
        folder = settings.SSHOPS_RECORDINGS_DIR / f"{self.started_at:%Y-%m}"
        return folder / f"{self.id}.cast"


class Terminal(models.Model):
    """A shell on a server; it lives in the process that hosts terminals."""

    class State(models.TextChoices):
        NEW = "new", _("not open yet")
        LIVE = "live", _("open")
        ENDED = "ended", _("ended")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    server = models.ForeignKey(
        "sshops.Server", models.CASCADE, related_name="+", verbose_name=_("server")
    )
    cols = models.PositiveSmallIntegerField(default=80)
    rows = models.PositiveSmallIntegerField(default=24)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    state = models.CharField(_("state"), max_length=8, choices=State, default=State.NEW)
    is_attached = models.BooleanField(_("in a browser"), default=False)
    detached_at = models.DateTimeField(_("left alone"), null=True)
    ended_at = models.DateTimeField(_("end"), null=True)
    end_reason = models.CharField(_("reason"), max_length=32, blank=True)
    exit_status = models.IntegerField(_("exit status"), null=True)
    audit_entry = models.ForeignKey(
        "sshops.AuditEntry", models.PROTECT, null=True, related_name="+"
    )
    recording = models.OneToOneField(
        Recording, models.SET_NULL, null=True, related_name="terminal"
    )

    objects = OwnQuerySet.as_manager()

    class Meta:
        verbose_name = _("terminal")
        verbose_name_plural = _("terminals")
        ordering = ["-created_at"]
        permissions = [
            ("supervise_terminals", _("Can watch and end everybody's terminals")),
        ]
        indexes = [
            # The list of what is open, among all that ever was.
            models.Index(
                fields=["user"],
                name="sshops_open_terminals",
                condition=~Q(state="ended"),
            )
        ]

    def __str__(self):
        return str(self.id)
