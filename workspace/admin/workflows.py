"""Workflow runs: started here, watched while they go, kept as a log."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from config.admin import ReadOnly
from workspace import tasks, workflows
from workspace.models import WorkflowRun

Status = WorkflowRun.Status
STEPS = {
    "reserve": _("Find a name"),
    "dump": _("Dump the database"),
    "uploads": _("Pack uploaded files"),
    "complete": _("Complete the set"),
    "elsewhere": _("Copy it elsewhere"),
    "tidy": _("Remove old ones"),
    "choose": _("Choose the newest backup"),
    "prove": _("Restore it into a scratch database and compare"),
    "sweep": _("Sweep what was abandoned"),
    "flush": _("Store what waits in the outbox"),
}
COLOURS = {
    Status.QUEUED: "info",
    Status.RUNNING: "warning",
    Status.SUCCEEDED: "success",
    Status.FAILED: "danger",
}


def may_start(user):
    return user.has_perm("workspace.start_workflow")


@admin.register(WorkflowRun)
class WorkflowRunAdmin(ReadOnly, ModelAdmin):
    list_display = ["title", "state", "queued_at", "took", "asked", "error"]
    list_filter = ["name", "status"]
    list_before_template = "admin/workspace/_start.html"
    change_form_before_template = "admin/workspace/_live_run.html"
    fields = [
        "id",
        "title",
        "asked",
        "queued_at",
        "started_at",
        "finished_at",
        "result",
    ]
    readonly_fields = fields

    class Media:
        js = ["workspace/live_run.js"]

    @display(description=_("workflow"), ordering="name")
    def title(self, run):
        return workflows.title_of(run.name)

    @display(description=_("state"), ordering="status", label=COLOURS)
    def state(self, run):
        return run.status, run.get_status_display()

    @display(description=_("took"))
    def took(self, run):
        return seconds_between(run.started_at, run.finished_at)

    @display(description=_("started by"), empty_value=_("the clock"))
    def asked(self, run):
        return run.asked_by or None

    def get_urls(self):
        def own(view):
            return self.admin_site.admin_view(view)

        return [
            path("start/<name>/", own(start), name="workspace_start_workflow"),
            path("<uuid:id>/steps/", own(steps), name="workspace_workflow_steps"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        more = {"startable": startable(request.user, workflows.WORKFLOWS)}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        run = self.get_object(request, object_id)
        more = run and shown(run)
        return super().change_view(
            request, object_id, form_url, {**(more or {}), **(extra_context or {})}
        )


def startable(user, names):
    """Return the workflows of these names as buttons, for who may start them."""
    if not may_start(user):
        return []
    return [(name, workflows.title_of(name)) for name in names]


@require_POST
def start(request, name):
    """Start a workflow, and go where it is watched."""
    if not may_start(request.user):
        raise PermissionDenied
    try:
        run = tasks.start(name, asked_by=request.user.email)
    except LookupError as error:
        raise Http404 from error
    if run.asked_by != request.user.email:
        messages.info(request, _("This workflow is running already."))
    return redirect(reverse("admin:workspace_workflowrun_change", args=[run.pk]))


@never_cache
def steps(request, id):
    """Answer the steps of a run as a piece of a page."""
    if not request.user.has_perm("workspace.view_workflowrun"):
        raise PermissionDenied
    run = get_object_or_404(WorkflowRun, pk=id)
    return render(request, "admin/workspace/_steps.html", shown(run))


def shown(run):
    """Return what _steps.html shows of a run."""
    progress = workflows.progress_of(run) or {}
    known = {step["name"]: step for step in run.steps}
    names = [step.__name__ for step in workflows.steps_of(run.name)] or list(known)
    rows = []
    for name in names:
        step = known.get(name, {"status": Status.QUEUED, "attempts": 0})
        is_watched = (
            progress.get("step") == name and step["status"] == Status.RUNNING.value
        )
        rows.append(
            {
                "title": STEPS.get(name, name),
                "status": step["status"],
                "label": Status(step["status"]).label,
                "took": seconds_between(
                    parse_datetime(step.get("started_at", "")),
                    parse_datetime(step.get("finished_at", "")),
                ),
                "attempts": step["attempts"],
                "error": step.get("error", ""),
                "percent": round(progress["share"] * 100) if is_watched else None,
                "text": progress["text"] if is_watched else "",
            }
        )
    return {"run": run, "steps": rows, "label": run.get_status_display()}


def seconds_between(start, end):
    if start is None or end is None:
        return ""
    return f"{(end - start).total_seconds():.1f} s"
