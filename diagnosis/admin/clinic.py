"""Accounts, patients, sessions and headsets for operators.

Patients' names are shown to those alone who may read them.
"""

from django.contrib import admin, messages
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from config.admin import Kept, ReadOnly
from config.errors import DomainError
from diagnosis import headsets, patients, presence, sessions
from diagnosis.models import (
    Account,
    HeadsetToken,
    Patient,
    SessionTransition,
    State,
    TestSession,
)

STATE_LABELS = {
    State.READY: "info",
    State.STARTED: "warning",
    State.COMPLETED: "success",
    State.FAILED: "danger",
}


def may_read_names(request):
    return request.user.has_perm("diagnosis.read_patient_names")


@admin.register(Account)
class AccountAdmin(Kept, ModelAdmin):
    """Makes a doctor, or another of the clinic, of somebody who can sign in."""

    list_display = ["user", "login_id", "role", "number", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user"]
    search_fields = ["login_id", "user__uname", "user__email"]
    autocomplete_fields = ["user"]
    fields = ["user", "login_id", "role"]

    def get_readonly_fields(self, request, obj=None):
        return ["user"] if obj else []

    @admin.display(description=_("number"), ordering="pk")
    def number(self, account):
        return account.pk


class RemovedFilter(admin.SimpleListFilter):
    """Patients in care at first, removed ones on request."""

    title = _("care")
    parameter_name = "care"

    def lookups(self, request, model_admin):
        return [("removed", _("removed")), ("all", _("all"))]

    def choices(self, changelist):
        first, *others = super().choices(changelist)
        yield {**first, "display": _("in care")}
        yield from others

    def queryset(self, request, queryset):
        if self.value() == "removed":
            return queryset.exclude(removed_at=None)
        return queryset if self.value() == "all" else queryset.present()


@admin.register(Patient)
class PatientAdmin(Kept, ModelAdmin):
    """Patients, whom their doctors add."""

    list_display = ["code", "doctor", "headset", "created_at", "removed_at"]
    list_filter = [RemovedFilter]
    list_select_related = ["doctor__user"]
    autocomplete_fields = ["doctor"]
    readonly_fields = ["code", "created_at", "removed_at"]
    search_fields = ["code"]  # Django wants it here, too, for other pages to look up
    ordering = ["-id"]
    actions = ["remove"]

    def has_add_permission(self, request):
        return False

    def get_list_display(self, request):
        code, *others = self.list_display
        return [code, "name", *others] if may_read_names(request) else self.list_display

    def get_search_fields(self, request):
        return ["code", "name"] if may_read_names(request) else ["code"]

    def get_fields(self, request, obj=None):
        named = ["name"] if may_read_names(request) else []
        return ["code", *named, "doctor", "created_at", "removed_at"]

    @display(description=_("headset"), label={"connected": "success", "away": "info"})
    def headset(self, patient):
        if patient.removed_at:
            return None
        try:
            here = presence.connected([patient.pk])
        except DomainError:
            return None
        return ("connected", _("connected")) if here else ("away", _("away"))

    @admin.action(description=_("Remove the selected patients"))
    def remove(self, request, queryset):
        present = queryset.present()
        for patient in present:
            patients.remove(patient, by=request.user)
            self.log_change(request, patient, "remove")
        told = ngettext("{n} patient removed.", "{n} patients removed.", len(present))
        self.message_user(request, told.format(n=len(present)))

    def get_actions(self, request):
        actions = super().get_actions(request)
        if not request.user.has_perm("diagnosis.change_patient"):
            actions.pop("remove", None)
        return actions


class TransitionsInline(ReadOnly, TabularInline):
    model = SessionTransition
    fields = ["created_at", "from_state", "to_state", "actor", "user", "reason"]
    readonly_fields = fields


@admin.register(TestSession)
class TestSessionAdmin(ReadOnly, ModelAdmin):
    list_display = [
        *("code", "patient", "doctor", "type", "level", "condition"),
        *("created_at", "updated_at"),
    ]
    list_filter = ["state", "type", "level", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["patient", "doctor__user"]
    search_fields = ["code", "patient__code", "=id"]
    inlines = [TransitionsInline]
    actions = ["cancel"]

    @display(description=_("state"), label=STATE_LABELS, ordering="state")
    def condition(self, session):
        return session.state, session.get_state_display()

    @admin.action(description=_("Cancel the selected sessions"))
    def cancel(self, request, queryset):
        cancelled = 0
        for session in queryset.live():
            try:
                sessions.cancel(session.pk, by=request.user)
            except sessions.Ended:
                continue  # by itself, this moment
            cancelled += 1
        told = ngettext("{n} session cancelled.", "{n} sessions cancelled.", cancelled)
        self.message_user(request, told.format(n=cancelled))

    def get_actions(self, request):
        actions = super().get_actions(request)
        if not request.user.has_perm("diagnosis.change_testsession"):
            actions.pop("cancel", None)
        return actions


@admin.register(HeadsetToken)
class HeadsetTokenAdmin(Kept, ModelAdmin):
    """Adding a token makes it and shows it once; nothing shows it again."""

    list_display = ["patient", "name", "created_at", "last_used_at", "revoked_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["patient"]
    search_fields = ["patient__code", "name"]
    autocomplete_fields = ["patient"]
    fields = ["patient", "name"]
    actions = ["revoke"]

    def get_readonly_fields(self, request, obj=None):
        return ["patient"] if obj else []

    def save_model(self, request, obj, form, change):
        if change:
            super().save_model(request, obj, form, change)
            return
        token, text = headsets.issue(obj.patient, obj.name)
        obj.pk = token.pk
        self.message_user(
            request,
            format_html(
                "{} <code>{}</code>",
                _("The token of this headset, shown this once:"),
                text,
            ),
            messages.WARNING,
        )

    @admin.action(description=_("Revoke the selected tokens"), permissions=["change"])
    def revoke(self, request, queryset):
        valid = queryset.filter(revoked_at=None)
        for token in valid:
            headsets.revoke(token)
            self.log_change(request, token, "revoke")
        told = ngettext("{n} token revoked.", "{n} tokens revoked.", len(valid))
        self.message_user(request, told.format(n=len(valid)))
