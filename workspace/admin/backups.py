"""Backups: made and proven from here, downloaded by who may; restored by a command."""

import mimetypes
from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from config.admin import ReadOnly
from config.clock import clock
from workspace.admin.workflows import startable
from workspace.backups import sets, stock
from workspace.models import Backup

STALE = timedelta(days=8)
Outcome = Backup.Outcome


@admin.register(Backup)
class BackupAdmin(ReadOnly, ModelAdmin):
    list_display = [
        "name",
        "state",
        "started_at",
        "shown_size",
        "uploads",
        "proven",
        "download",
    ]
    list_filter = ["outcome", "is_encrypted"]
    search_fields = ["name", "sha256"]
    list_before_template = "admin/workspace/_backups.html"
    fields = [
        "name",
        "state",
        "started_at",
        "finished_at",
        "shown_size",
        "sha256",
        "uploads",
        "proven",
        "flaw",
        "is_encrypted",
        "is_elsewhere",
        "error",
    ]
    readonly_fields = fields

    @display(
        description=_("outcome"),
        ordering="outcome",
        label={Outcome.COMPLETE: "success", Outcome.FAILED: "danger"},
    )
    def state(self, backup):
        return backup.outcome, backup.get_outcome_display()

    @display(description=_("size"), ordering="size")
    def shown_size(self, backup):
        return filesizeformat(backup.size)

    @display(
        description=_("last proven"),
        ordering="proven_at",
        label={"fresh": "success", "stale": "danger", "flawed": "danger"},
    )
    def proven(self, backup):
        if backup.flaw:
            return "flawed", _("flawed")
        if backup.proven_at is None:
            return None
        return freshness(backup.proven_at), clock(backup.proven_at)

    @display(description=_("download"))
    def download(self, backup):
        if not backup.file:
            return None
        links = [(backup.pk, "dump", _("database")), (backup.pk, "uploads", _("files"))]
        made = [
            format_html(
                '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
                reverse("admin:workspace_backup_download", args=[name, kind]),
                label,
            )
            for name, kind, label in links
        ]
        return format_html("{} · {}", *made)

    def get_list_display(self, request):
        if request.user.has_perm("workspace.download_backup"):
            return self.list_display
        return [column for column in self.list_display if column != "download"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.send)
        return [
            path("<name>/<kind>/download/", view, name="workspace_backup_download"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        stock.take_stock()  # files come and go without us, too
        proven = Backup.objects.exclude(proven_at=None).order_by("-proven_at").first()
        more = {
            "startable": startable(request.user, ["backup", "backup_check"]),
            "proven_at": proven and proven.proven_at,
            "is_stale": proven is None or freshness(proven.proven_at) == "stale",
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def send(self, request, name, kind):
        """Send a file of a backup to who may download backups; it is written down."""
        if not request.user.has_perm("workspace.download_backup"):
            raise PermissionDenied
        one = next((one for one in sets.listed() if one.name == name), None)
        if one is None or kind not in ("dump", "uploads"):
            raise Http404
        path = getattr(one, kind)
        self.log_change(request, Backup.objects.get(pk=name), f"download: {path.name}")
        return FileResponse(
            open(path, "rb"),
            as_attachment=True,
            filename=path.name,
            content_type=mimetypes.guess_type(path.name)[0]
            or "application/octet-stream",
        )


def freshness(moment):
    """Return "fresh", or "stale" for a proof that is older than STALE."""
    return "stale" if timezone.now() - moment > STALE else "fresh"
