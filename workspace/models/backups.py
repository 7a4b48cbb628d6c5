"""Backups as the operators see them; the files beside them are the truth."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Backup(models.Model):
    """A backup set, or the attempt to make one, and when it was last proven."""

    class Outcome(models.TextChoices):
        COMPLETE = "complete", _("complete")
        FAILED = "failed", _("failed")

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"))
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    error = models.TextField(_("error"), blank=True)
    file = models.CharField(_("file"), max_length=120, blank=True)
    size = models.BigIntegerField(_("size"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    uploads = models.PositiveIntegerField(_("uploaded files"), default=0)
    is_encrypted = models.BooleanField(_("encrypted"), default=False)
    is_elsewhere = models.BooleanField(_("copied elsewhere"), default=False)

    proven_at = models.DateTimeField(_("last proven"), null=True, blank=True)
    flaw = models.TextField(_("flaw found"), blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ["-started_at"]
        permissions = [("download_backup", _("Can download backups"))]

    def __str__(self):
        return self.name
