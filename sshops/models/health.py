"""What checks say of the servers."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import clock
from sshops.models.servers import Server


class ServerHealth(models.Model):
    """How a server does, by the last checks; one without a row was never checked."""

    server = models.OneToOneField(
        Server,
        models.CASCADE,
        primary_key=True,
        related_name="health",
        verbose_name=_("server"),
    )

    is_healthy = models.BooleanField(_("healthy"), default=False)
    last_checked = models.DateTimeField(_("last check"), null=True)
    consecutive_failures = models.PositiveIntegerField(_("failures"), default=0)
    consecutive_successes = models.PositiveIntegerField(_("successes"), default=0)
    latency_ms = models.FloatField(_("latency (ms)"), null=True)
    # The error code of the last failure; null after a success.
    error_code = models.PositiveIntegerField(_("error code"), null=True)

    class Meta:
        verbose_name = _("health")
        verbose_name_plural = _("health")
        ordering = ["server__name"]

    def __str__(self):
        return str(self.server)


class HealthCheck(models.Model):
    """One check of one server."""

    server = models.ForeignKey(
        Server,
        models.CASCADE,
        related_name="checks",
        db_index=False,  # (server, checked_at) serves
        verbose_name=_("server"),
    )
    checked_at = models.DateTimeField(_("time"))
    latency_ms = models.FloatField(_("latency (ms)"), null=True)
    error_code = models.PositiveIntegerField(_("error code"), null=True)

    class Meta:
        verbose_name = _("health check")
        verbose_name_plural = _("health checks")
        ordering = ["-checked_at"]
        indexes = [
            models.Index("server", "checked_at", name="sshops_checks_of_a_server"),
            models.Index("checked_at", name="sshops_checks_by_age"),  # the sweep
        ]

    def __str__(self):
        return f"{self.server_id} {clock(self.checked_at)}"


class HealthRound(models.Model):
    """The one row by which workers agree whose turn it is to check all servers."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="sshops_one_health_round"
            )
        ]

    def __str__(self):
        return f"{self.started_at} – {self.finished_at}"
