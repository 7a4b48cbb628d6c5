"""Transfers and their runs for operators."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from config.admin import ReadOnly
from sshops import tasks
from sshops.models import Transfer, TransferFile, TransferRun, UploadPart


@admin.register(Transfer)
class TransferAdmin(ModelAdmin):
    list_display = [
        *("name", "source_server", "source_path", "target_server", "target_path"),
        "rate_limit",
    ]
    list_select_related = ["source_server", "target_server"]
    autocomplete_fields = ["source_server", "target_server"]
    search_fields = ["name", "description"]


class FilesInline(ReadOnly, TabularInline):
    model = TransferFile
    fields = ["source_path", "target_path", "size", "is_done", "sha256"]
    max_num = 0
    per_page = 50


@admin.register(TransferRun)
class TransferRunAdmin(ReadOnly, ModelAdmin):
    list_display = [
        *("created_at", "transfer_name", "kind", "source_path", "target_path"),
        *("condition", "user", "files_done", "files_total", "bytes_done"),
        *("bytes_total", "error"),
    ]
    list_filter = ["state", "kind", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["=transfer_name", "=user__email"]
    exclude = ["connection_id", "is_cancel_wanted", "is_planned", "seen_at"]
    inlines = [FilesInline]
    actions = ["cancel"]

    @display(
        description=_("state"),
        label={
            "queued": "info",
            "running": "warning",
            "complete": "success",
            "error": "danger",
        },
    )
    def condition(self, run):
        return run.state, run.get_state_display()

    @admin.action(description=_("Cancel the selected runs"), permissions=["cancel"])
    def cancel(self, request, queryset):
        ids = list(queryset.values_list("pk", flat=True))
        for id in ids:
            tasks.cancel_transfer(id)
        text = ngettext(
            "{n} run is told to end.", "{n} runs are told to end.", len(ids)
        )
        self.message_user(request, text.format(n=len(ids)))

    def has_cancel_permission(self, request):
        return request.user.is_superuser


@admin.register(UploadPart)
class UploadPartAdmin(ReadOnly, ModelAdmin):
    list_display = ["server", "path", "touched_at"]
    list_filter = ["server"]
    list_select_related = ["server"]
    search_fields = ["path"]
