"""The audit log: rows that are only ever added, each bound to the one before it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    COMMAND = "command", _("command")
    INPUT = "input", _("input")
    TRANSFER = "transfer", _("transfer")
    SESSION = "session", _("session")
    HOST_KEY = "host_key", _("host key")


class Outcome(models.TextChoices):
    RUNNING = "running", _("running")
    COMPLETE = "complete", _("complete")
    ERROR = "error", _("error")
    CANCELLED = "cancelled", _("cancelled")
    DISCONNECTED = "disconnected", _("disconnected")


class AuditQuerySet(models.QuerySet):
    def begun(self):
        """Keep what happened, one row each; how it ended is in `end`."""
        return self.filter(begin=None).select_related("end")


class AuditEntry(models.Model):
    """That something began, or how it ended; `sshops.audit` alone writes it.

    The database refuses to change or delete a row (see the migration).
    """

    # Counts without gaps, so no sequence of the database's.
    id = models.BigIntegerField(primary_key=True)
    begin = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="end", verbose_name=_("begin")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    # The address as it was; the account may go.
    user = models.CharField(_("user"), max_length=254, db_index=True)
    client_ip = models.CharField(_("address"), max_length=50)
    connection_id = models.CharField(_("connection"), max_length=36, db_index=True)
    server_name = models.CharField(_("server"), max_length=64, db_index=True)
    text = models.TextField(_("text"))
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    exit_status = models.IntegerField(_("exit status"), null=True)
    error_code = models.IntegerField(_("error code"), null=True)
    at = models.DateTimeField(_("time"), db_index=True)
    seal = models.BinaryField(max_length=32)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-id"]

    def __str__(self):
        return f"{self.kind} {self.id}"

    @property
    def is_over(self):
        return self.outcome != Outcome.RUNNING

    @property
    def last(self):
        """Return the row that tells how it went so far: the end, or this one."""
        return getattr(self, "end", None) or self

    @property
    def finished_at(self):
        return self.last.at if self.last.is_over else None


class AuditHead(models.Model):
    """The newest row's number and seal: tells that the log's end was cut off, and is
    the lock under which rows are added."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    newest = models.BigIntegerField(default=0)
    seal = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="sshops_one_audit_head"
            )
        ]

    def __str__(self):
        return str(self.newest)
