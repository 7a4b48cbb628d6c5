"""Runs of workflows: work of several steps that survives restarts and outages."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.clock import clock


class WorkflowRun(models.Model):
    """One run of a workflow; its steps are kept as they went, in order.

    Written whole each time, with a higher version: what waited in the outbox never
    replaces what is newer.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("workflow"), max_length=64)
    asked_by = models.CharField(_("started by"), max_length=150, blank=True)
    queued_at = models.DateTimeField(_("queued"), default=timezone.now)

    status = models.CharField(
        _("state"), max_length=16, choices=Status.choices, default=Status.QUEUED
    )
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    steps = models.JSONField(_("steps"), default=list)
    result = models.JSONField(_("result"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("workflow run")
        verbose_name_plural = _("workflow runs")
        ordering = ["-queued_at"]
        indexes = [
            # For the beat, which looks for runs that nobody works on.
            models.Index(
                "queued_at",
                name="workspace_open_runs",
                condition=models.Q(status__in=["queued", "running"]),
            )
        ]
        permissions = [("start_workflow", _("Can start workflows"))]

    def __str__(self):
        return f"{self.name.replace('_', ' ')} {clock(self.queued_at)}"

    @property
    def has_ended(self):
        return self.status in (self.Status.SUCCEEDED, self.Status.FAILED)

    def step(self, name):
        """Return the record of a step, or None before it began."""
        return next((step for step in self.steps if step["name"] == name), None)

    def result_of(self, name):
        """Return what a finished step gave."""
        return self.step(name)["result"]
