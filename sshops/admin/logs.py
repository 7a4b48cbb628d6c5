"""What has been done: the audit log, terminals and their recordings, to read only."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from config.admin import ReadOnly
from sshops.models import AuditEntry, Recording, Terminal
from sshops.models.audit import Outcome
from sshops.models.terminals import SUPERVISE


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "kind", "user", "client_ip", "server_name", "text", "how"]
    list_filter = ["kind", "server_name", ("at", admin.DateFieldListFilter)]
    search_fields = ["=user", "=connection_id", "=client_ip", "text"]
    fields = [
        *("id", "at", "finished_at", "kind", "user", "client_ip", "connection_id"),
        *("server_name", "text", "how"),
    ]
    show_full_result_count = False

    def get_queryset(self, request):
        return super().get_queryset(request).begun()

    def has_module_permission(self, request):
        return request.user.has_perm("sshops.view_audit")

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("sshops.view_audit")

    @display(
        description=_("outcome"),
        label={
            Outcome.RUNNING.label: "info",
            Outcome.COMPLETE.label: "success",
            Outcome.ERROR.label: "danger",
            Outcome.DISCONNECTED.label: "danger",
        },
    )
    def how(self, entry):
        return entry.last.get_outcome_display()

    @admin.display(description=_("end"))
    def finished_at(self, entry):
        return entry.finished_at


class Supervised(ReadOnly, ModelAdmin):
    """For who supervises: everybody's."""

    def has_module_permission(self, request):
        return request.user.has_perm(SUPERVISE)

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(SUPERVISE)


@admin.register(Recording)
class RecordingAdmin(Supervised):
    list_display = [
        *("started_at", "user_email", "server_name", "kind", "text"),
        *("seconds", "size", "is_complete", "play"),
    ]
    list_filter = ["kind", "server_name", ("started_at", admin.DateFieldListFilter)]
    search_fields = ["=user_email", "text"]

    @admin.display(description="")
    def play(self, recording):
        address = f"{reverse('sshops:home')}#recordings={recording.pk}"
        return format_html('<a href="{}">{}</a>', address, _("Play"))


@admin.register(Terminal)
class TerminalAdmin(Supervised):
    list_display = [
        *("created_at", "user", "server", "state", "is_attached"),
        *("ended_at", "end_reason", "exit_status"),
    ]
    list_filter = ["state", "server"]
    list_select_related = ["user", "server"]
