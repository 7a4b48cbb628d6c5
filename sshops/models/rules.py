"""Which commands may be run: rules, and the word of a second person."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sshops.models.servers import Server


def valid_pattern(text):
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValidationError(_("Not a regular expression.")) from error


class CommandRule(models.Model):
    """What becomes of commands that a pattern is found in; the first rule that fits
    decides, and where none fits, the command may be run.

    Rules keep honest people from mistakes. Who has a shell can evade them.
    """

    class Verdict(models.TextChoices):
        ALLOW = "allow", _("allow")
        DENY = "deny", _("deny")
        ASK = "ask", _("ask a second person")

    position = models.IntegerField(
        _("position"), default=0, help_text=_("Rules are tried from the lowest on.")
    )
    server = models.ForeignKey(
        Server,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="rules",
        verbose_name=_("server"),
        help_text=_("Empty means all of them."),
    )
    pattern = models.CharField(
        _("pattern"),
        max_length=500,
        validators=[valid_pattern],
        help_text=_("A regular expression that is looked for in the command."),
    )
    verdict = models.CharField(_("then"), max_length=5, choices=Verdict.choices)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("command rule")
        verbose_name_plural = _("command rules")
        ordering = ["position", "id"]

    def __str__(self):
        return f"{self.get_verdict_display()}: {self.pattern}"


class CommandApproval(models.Model):
    """That somebody asked to run a command, and what a second person said to it."""

    server = models.ForeignKey(
        Server, models.CASCADE, related_name="+", verbose_name=_("server")
    )
    command = models.TextField(_("command"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        verbose_name=_("asked by"),
    )
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)

    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    is_granted = models.BooleanField(_("allowed"), null=True)
    used_at = models.DateTimeField(_("run"), null=True)

    class Meta:
        verbose_name = _("command to decide on")
        verbose_name_plural = _("commands to decide on")
        ordering = ["-asked_at"]
        permissions = [("decide_commands", _("Can allow others' commands"))]
        indexes = [
            models.Index(
                "server",
                "asked_by",
                name="sshops_open_approvals",
                condition=Q(used_at=None),
            )
        ]

    def __str__(self):
        return self.command[:80]
