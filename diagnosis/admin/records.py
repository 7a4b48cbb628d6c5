"""Recordings and results for operators: to look at, to download, to score anew.

Lists show no figures: whoever wants to see a result opens it, and that is logged.
"""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from config.admin import ReadOnly
from config.errors import DomainError
from diagnosis import recordings, records
from diagnosis.models import Recording, RecordRead, Result
from diagnosis.records_views import download
from diagnosis.scoring import Unusable

What = RecordRead.What


class FileAdmin(ReadOnly, ModelAdmin):
    """A page with a download; both are looks at a patient's record."""

    actions_detail = ["download"]

    def change_view(self, request, object_id, *args, **kwargs):
        found = self.get_object(request, object_id)
        if found is not None and self.has_view_permission(request, found):
            records.note_read(request.user, self.session_of(found), What.ADMIN)
        return super().change_view(request, object_id, *args, **kwargs)

    @action(description=_("Download the file"), url_path="download", icon="download")
    def download(self, request, object_id):
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = get_object_or_404(self.get_queryset(request), pk=object_id)
        try:
            file = self.opened(found)
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
            meta = self.opts
            return redirect(
                f"admin:{meta.app_label}_{meta.model_name}_change", object_id
            )
        records.note_read(request.user, self.session_of(found), self.look)
        return download(found.filename, file)


@admin.register(Recording)
class RecordingAdmin(FileAdmin):
    look = What.RAW
    list_display = ["filename", "patient", "condition", "told", "size", "received_at"]
    list_filter = [
        *("state", "session__type", "session__level"),
        ("received_at", admin.DateFieldListFilter),
    ]
    list_select_related = ["session__patient"]
    search_fields = ["=session__patient__code", "=session__code", "sha256"]
    search_help_text = _("A patient's or session's code, or a SHA-256")
    fields = [
        *("session", "patient", "state", "told", "attempts"),
        *("key", "size", "sha256", "received_at"),
    ]
    actions = ["score_anew"]

    def session_of(self, recording):
        return recording.session

    def opened(self, recording):
        return records.opened(recording)

    @admin.display(description=_("patient"), ordering="session__patient__code")
    def patient(self, recording):
        return recording.session.patient

    @display(
        description=_("state"),
        label={
            "RECEIVED": "info",
            "SCORED": "success",
            "UNUSABLE": "danger",
            "LATE": "warning",
        },
    )
    def condition(self, recording):
        return recording.state, recording.get_state_display()

    @admin.display(description=_("reason"))
    def told(self, recording):
        return recording.why

    @admin.action(description=_("Score the selected recordings anew"))
    def score_anew(self, request, queryset):
        scored = 0
        for recording in queryset.select_related("session"):
            try:
                recordings.score_anew(recording, request.user)
            except (DomainError, Unusable) as error:
                self.message_user(request, f"{recording}: {error}", messages.WARNING)
            else:
                scored += 1
        text = ngettext("{n} recording scored.", "{n} recordings scored.", scored)
        self.message_user(request, text.format(n=scored))

    def get_actions(self, request):
        actions = super().get_actions(request)
        if not request.user.has_perm("diagnosis.change_recording"):
            actions.pop("score_anew", None)
        return actions


class InForce(admin.SimpleListFilter):
    """Results in force at first, replaced ones on request."""

    title = _("in force")
    parameter_name = "force"

    def lookups(self, request, model_admin):
        return [("replaced", _("replaced")), ("all", _("all"))]

    def choices(self, changelist):
        first, *others = super().choices(changelist)
        yield {**first, "display": _("in force")}
        yield from others

    def queryset(self, request, queryset):
        if self.value() == "replaced":
            return queryset.exclude(replaced_at=None)
        return queryset if self.value() == "all" else queryset.current()


@admin.register(Result)
class ResultAdmin(FileAdmin):
    look = What.FILE
    list_display = [
        *("filename", "patient", "scorer_version", "scored_at", "user", "replaced_at"),
    ]
    list_filter = [
        *(InForce, "scorer_version", "recording__session__type"),
        ("scored_at", admin.DateFieldListFilter),
    ]
    list_select_related = ["recording__session__patient", "user"]
    search_fields = ["=recording__session__patient__code", "=recording__session__code"]
    search_help_text = _("A patient's or session's code")
    fields = [
        *("recording", "patient", "score", "time_spent", "fps", "rows"),
        *("scorer_version", "scored_at", "user", "replaced_at"),
        *("key", "size", "sha256"),
    ]

    def session_of(self, result):
        return result.recording.session

    def opened(self, result):
        if result.replaced_at:
            raise records.FileGone  # its place has the newer result's
        return records.opened(result)

    @admin.display(
        description=_("patient"), ordering="recording__session__patient__code"
    )
    def patient(self, result):
        return result.recording.session.patient


@admin.register(RecordRead)
class RecordReadAdmin(ReadOnly, ModelAdmin):
    list_display = ["read_at", "user", "patient", "session", "what"]
    list_filter = ["what", ("read_at", admin.DateFieldListFilter)]
    list_select_related = ["user", "patient", "session"]
    search_fields = ["=user__email", "user__uname", "=patient__code"]
    search_help_text = _("A person's name or e-mail address, or a patient's code")
