"""The SQL explorer's log, to read; what runs in it can be ended."""

from django.conf import settings
from django.contrib import admin, messages
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from explorer import admin as explorers_own  # noqa: F401 - registers first
from explorer.models import DatabaseConnection, ExplorerValue, Query
from unfold.admin import ModelAdmin
from unfold.decorators import display

from config.admin import ReadOnly
from workspace.explorer import runs
from workspace.models import QueryRun

# Saved queries have the explorer's own pages; connections are for nobody to make.
for model in (Query, ExplorerValue, DatabaseConnection):
    admin.site.unregister(model)

STATES = {"running": _("running"), "done": _("done"), "failed": _("failed")}


@admin.register(QueryRun)
class QueryRunAdmin(ReadOnly, ModelAdmin):
    """Who ran what, how long it took, how many rows came of it."""

    list_display = [
        "run_at",
        "run_by_user",
        "statement",
        "state",
        "milliseconds",
        "rows",
        "purpose",
    ]
    list_select_related = ["run_by_user"]
    list_filter = ["success", "purpose", "run_at"]
    search_fields = ["sql", "run_by_user__uname", "run_by_user__email"]
    fields = [
        *("run_at", "run_by_user", "query", "sql", "state", "error"),
        *("milliseconds", "rows", "purpose"),
    ]
    show_full_result_count = False
    actions = ["cancel"]

    @display(description="SQL")
    def statement(self, run):
        return Truncator(" ".join(run.sql.split())).chars(80)

    @display(
        description=_("state"),
        label={"running": "info", "done": "success", "failed": "danger"},
    )
    def state(self, run):
        return run.state, STATES[run.state]

    @display(description=_("milliseconds"), ordering="duration")
    def milliseconds(self, run):
        return None if run.duration is None else round(run.duration)

    def has_module_permission(self, request):
        return settings.EXPLORER_PERMISSION_VIEW(request)

    def has_view_permission(self, request, obj=None):
        return settings.EXPLORER_PERMISSION_VIEW(request)

    def has_cancel_permission(self, request):
        return request.user.is_superuser

    @admin.action(description=_("Cancel"), permissions=["cancel"])
    def cancel(self, request, queryset):
        running = [run for run in queryset if run.state == "running"]
        for run in running:
            runs.cancel(run)
        told = ngettext("{} run ended.", "{} runs ended.", len(running))
        self.message_user(
            request,
            told.format(len(running)),
            messages.SUCCESS if running else messages.WARNING,
        )
