"""Load history and patch notes for operators."""

from django.contrib import admin
from django.utils import timezone
from unfold.admin import ModelAdmin

from sshops.models import LoadHistory, PatchNote


@admin.register(LoadHistory)
class LoadHistoryAdmin(ModelAdmin):
    """What was loaded stays as it is; only its note can be written."""

    list_display = [
        *("created_at", "batch_id", "customer_number", "client_ip"),
        *("execution_time_seconds", "note"),
    ]
    list_filter = [("created_at", admin.DateFieldListFilter)]
    search_fields = ["=batch_id", "=customer_number", "=client_ip", "note"]
    readonly_fields = [
        *("batch_id", "customer_number", "client_ip", "connection_id"),
        *("execution_time_seconds", "started_at", "completed_at", "created_at"),
        "updated_at",
    ]

    def has_add_permission(self, request):
        return False

    def save_model(self, request, obj, form, change):
        obj.updated_at = timezone.now()
        obj.save(update_fields=["note", "updated_at"])


@admin.register(PatchNote)
class PatchNoteAdmin(ModelAdmin):
    list_display = ["patch_date", "title", "created_at", "updated_at"]
    list_filter = [("patch_date", admin.DateFieldListFilter)]
    search_fields = ["title", "content"]

    def save_model(self, request, obj, form, change):
        if change:
            obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)
