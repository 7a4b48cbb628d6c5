"""What the SQL explorer keeps beside django-sql-explorer's saved queries and log."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from explorer.models import Query, QueryLog


class QueryRun(QueryLog):
    """A statement that somebody ran: an entry of Explorer's log, and its outcome."""

    class Purpose(models.TextChoices):
        PAGE = "page", _("page")
        CSV = "csv", "CSV"
        JSON = "json", "JSON"

    purpose = models.CharField(
        _("for"), max_length=4, choices=Purpose.choices, default=Purpose.PAGE
    )

    rows = models.BigIntegerField(_("rows"), null=True)

    class Meta:
        verbose_name = _("SQL run")
        verbose_name_plural = _("SQL runs")
        permissions = [("use_explorer", "Can read the database with SQL")]

    def __str__(self):
        return f"{self.pk}: {self.sql[:60]}"

    @property
    def state(self):
        """One of running, done and failed; what a crash ended stays running."""
        if self.duration is None:
            return "running"
        return "done" if self.success else "failed"

    def end(self, *, seconds, rows, error=""):
        """Note how the run ended."""
        self.duration = seconds * 1000  # Explorer counts in milliseconds
        self.rows, self.error, self.success = rows, error, not error
        self.save(update_fields=["duration", "rows", "error", "success"])


class Chart(models.Model):
    """How a saved query is drawn: its kind, and the columns by name."""

    class Kind(models.TextChoices):
        BAR = "bar", _("bars")
        LINE = "line", _("lines")
        PIE = "pie", _("pie")
        SCATTER = "scatter", _("points")

    query = models.OneToOneField(
        Query, models.CASCADE, primary_key=True, related_name="chart"
    )

    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    x = models.CharField(_("x axis"), max_length=63)
    y = models.JSONField(_("y axes"), default=list)

    class Meta:
        verbose_name = _("chart")
        verbose_name_plural = _("charts")

    def __str__(self):
        return f"{self.kind}: {self.x} × {', '.join(self.y)}"
