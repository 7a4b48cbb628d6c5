"""Command rules, and the commands that wait for a second person."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display

from config.admin import ReadOnly
from sshops import rules
from sshops.models import CommandApproval, CommandRule


@admin.register(CommandRule)
class CommandRuleAdmin(ModelAdmin):
    list_display = ["position", "pattern", "verdict", "server", "reason"]
    list_display_links = ["pattern"]
    list_filter = ["verdict", "server"]
    list_select_related = ["server"]


@admin.register(CommandApproval)
class CommandApprovalAdmin(ReadOnly, ModelAdmin):
    list_display = ["asked_at", "command", "server", "asked_by", "state", "decided_by"]
    list_filter = ["is_granted", "server"]
    list_select_related = ["server", "asked_by", "decided_by"]
    actions = ["allow", "refuse"]

    @display(
        description=_("state"),
        label={"open": "warning", "granted": "success", "refused": "danger"},
    )
    def state(self, approval):
        if approval.is_granted is None:
            return "open", _("waits")
        if approval.is_granted:
            return "granted", _("run") if approval.used_at else _("allowed")
        return "refused", _("refused")

    @admin.action(description=_("Allow the selected commands"), permissions=["decide"])
    def allow(self, request, queryset):
        self.decide(request, queryset, is_granted=True)

    @admin.action(description=_("Refuse the selected commands"), permissions=["decide"])
    def refuse(self, request, queryset):
        self.decide(request, queryset, is_granted=False)

    def decide(self, request, queryset, *, is_granted):
        done = sum(
            rules.decide(approval, request.user, is_granted=is_granted)
            for approval in queryset
        )
        text = ngettext(
            "{n} command decided; your own wait for somebody else.",
            "{n} commands decided; your own wait for somebody else.",
            done,
        )
        self.message_user(request, text.format(n=done))

    def has_decide_permission(self, request):
        return request.user.has_perm("sshops.decide_commands")

    def has_view_permission(self, request, obj=None):
        return self.has_decide_permission(request)
