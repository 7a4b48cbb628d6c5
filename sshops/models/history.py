"""What the replaced service kept: loads of customers, and patch notes.

Tables, names and lengths are those that its data has.
"""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class LoadHistory(models.Model):
    """That one customer was loaded, in a batch with others."""

    batch_id = models.CharField(_("batch"), max_length=36)
    customer_number = models.CharField(_("customer"), max_length=20)
    client_ip = models.CharField(_("address"), max_length=50)
    connection_id = models.CharField(_("connection"), max_length=36, null=True)
    execution_time_seconds = models.FloatField(_("seconds"))
    started_at = models.DateTimeField(_("started"))
    completed_at = models.DateTimeField(_("completed"))
    created_at = models.DateTimeField(_("stored"), default=timezone.now)

    updated_at = models.DateTimeField(_("last change"), null=True, blank=True)
    note = models.TextField(_("note"), null=True, blank=True)

    class Meta:
        db_table = "stub_load_history"
        verbose_name = _("load")
        verbose_name_plural = _("load history")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["batch_id", "customer_number"], name="sshops_one_load_a_batch"
            )
        ]
        indexes = [
            models.Index("batch_id", name="sshops_load_batch"),
            models.Index("customer_number", name="sshops_load_customer"),
            models.Index("client_ip", name="sshops_load_address"),
            models.Index("completed_at", name="sshops_load_completed"),
            models.Index("created_at", name="sshops_load_created"),
            models.Index("updated_at", name="sshops_load_updated"),
        ]

    def __str__(self):
        return f"{self.batch_id} {self.customer_number}"


class PatchNote(models.Model):
    """What came with a patch."""

    title = models.CharField(_("title"), max_length=200)
    content = models.TextField(_("content"))
    patch_date = models.DateField(_("date"), db_index=True)
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, db_index=True, editable=False
    )

    updated_at = models.DateTimeField(_("last change"), null=True, editable=False)

    class Meta:
        db_table = "patch_notes"
        verbose_name = _("patch note")
        verbose_name_plural = _("patch notes")
        ordering = ["-patch_date", "-created_at", "-id"]

    def __str__(self):
        return self.title
