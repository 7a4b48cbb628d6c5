"""Servers and their health for operators; secrets can be written and never read."""

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from config.admin import ReadOnly
from sshops import connections, health, host_keys, leases, servers, tasks
from sshops.errors import KeyProblem
from sshops.models import HealthCheck, Lease, Server


class ServerForm(forms.ModelForm):
    new_password = forms.CharField(
        label=_("password"),
        required=False,
        max_length=1024,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Never shown. Leave it empty to keep what is stored."),
    )
    new_private_key = forms.CharField(
        label=_("private key"),
        required=False,
        max_length=65536,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "In OpenSSH's or PEM form, without a pass phrase; it is tried before the"
            " password. Never shown. Leave it empty to keep what is stored."
        ),
    )
    drop_secrets = forms.BooleanField(
        label=_("Forget the stored password and key"), required=False
    )

    class Meta:
        model = Server
        fields = [
            *("name", "host", "port", "jump", "username", "host_key", "description"),
            *("tags", "default_stop_phrase", "allowed_users", "allowed_groups"),
            "is_active",
        ]

    def clean_host_key(self):
        line = self.cleaned_data["host_key"].strip()
        if not line:
            return ""
        try:
            return host_keys.parsed(line)
        except ValueError as error:
            text = _("Write type and key in one line.")
            raise forms.ValidationError(text) from error

    def clean_new_private_key(self):
        text = self.cleaned_data["new_private_key"].replace("\r\n", "\n")
        if text:
            try:
                connections.private_key(text)
            except KeyProblem as error:
                raise forms.ValidationError(error.text) from error
        return text

    def clean_default_stop_phrase(self):
        phrase = self.cleaned_data["default_stop_phrase"]
        if "\n" in phrase or "\r" in phrase:
            raise forms.ValidationError(_("A stop phrase is within one line."))
        return phrase

    def save(self, commit=True):
        values = self.cleaned_data
        if values["drop_secrets"]:
            self.instance.password = self.instance.private_key = None
        if values["new_password"]:
            self.instance.password = values["new_password"]
        if values["new_private_key"]:
            self.instance.private_key = values["new_private_key"]
        return super().save(commit)


@admin.register(Server)
class ServerAdmin(ModelAdmin):
    form = ServerForm
    list_display = ["name", "condition", "address", "username", "key", "is_active"]
    list_filter = ["is_active", "health__is_healthy"]
    list_select_related = ["health"]
    search_fields = ["name", "host", "description"]
    autocomplete_fields = ["jump"]
    filter_horizontal = ["allowed_users", "allowed_groups"]
    readonly_fields = ["secrets", "pinned", "offered"]
    fieldsets = [
        (None, {"fields": ["name", "is_active", "description", "tags"]}),
        (_("Address"), {"fields": ["host", "port", "jump"]}),
        (_("Host key"), {"fields": ["host_key", "pinned", "offered"]}),
        (
            _("Login"),
            {
                "fields": [
                    *("username", "secrets", "new_password", "new_private_key"),
                    "drop_secrets",
                ]
            },
        ),
        (_("Who may use it"), {"fields": ["allowed_users", "allowed_groups"]}),
        (_("Commands"), {"fields": ["default_stop_phrase"]}),
    ]
    actions = ["accept_keys", "check_now"]

    @display(
        description=_("health"),
        label={"up": "success", "down": "danger", "unknown": "info"},
    )
    def condition(self, server):
        known = getattr(server, "health", None)
        if known is None or known.last_checked is None:
            return "unknown", _("never checked")
        shown = health.as_json(server, known)
        return ("up", _("up")) if shown["is_healthy"] else ("down", _("down"))

    @admin.display(description=_("address"))
    def address(self, server):
        return f"{server.host}:{server.port}"

    @display(
        description=_("host key"),
        label={"pinned": "success", "changed": "danger", "none": "warning"},
    )
    def key(self, server):
        if server.host_key and server.offered_host_key:
            return "changed", _("changed!")
        if server.host_key:
            return "pinned", _("pinned")
        return "none", _("not accepted yet")

    @admin.display(description=_("stored"))
    def secrets(self, server):
        stored = [
            name
            for name, is_there in (
                (_("password"), server.has_password),
                (_("private key"), server.has_private_key),
            )
            if is_there
        ]
        return ", ".join(map(str, stored)) or _("nothing")

    @admin.display(description=_("fingerprint"))
    def pinned(self, server):
        return host_keys.fingerprint(server.host_key) or "–"

    @admin.display(description=_("key it showed"))
    def offered(self, server):
        return host_keys.fingerprint(server.offered_host_key) or "–"

    def get_form(self, request, obj=None, **kwargs):
        request.place = obj and servers.place_of(obj)
        request.key = obj.host_key if obj else ""
        return super().get_form(request, obj, **kwargs)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        servers.saved(obj, request.user, place=request.place, key=request.key)
        transaction.on_commit(lambda: tasks.look_at([obj.pk]))

    def delete_model(self, request, obj):
        servers.delete(obj)

    def delete_queryset(self, request, queryset):
        for server in queryset:
            servers.delete(server)

    @admin.action(
        description=_("Accept the host keys that they showed"), permissions=["change"]
    )
    def accept_keys(self, request, queryset):
        waiting = list(queryset.exclude(offered_host_key=""))
        for server in waiting:
            host_keys.accept(server, request.user)
        text = ngettext("{n} key accepted.", "{n} keys accepted.", len(waiting))
        self.message_user(request, text.format(n=len(waiting)))

    @admin.action(description=_("Check now"), permissions=["view"])
    def check_now(self, request, queryset):
        tasks.look_at(list(queryset.values_list("pk", flat=True)))
        self.message_user(request, _("They are being checked."), messages.INFO)


@admin.register(HealthCheck)
class HealthCheckAdmin(ReadOnly, ModelAdmin):
    list_display = ["checked_at", "server", "latency_ms", "error_code"]
    list_filter = [
        ("error_code", admin.EmptyFieldListFilter),
        ("checked_at", admin.DateFieldListFilter),
    ]
    list_select_related = ["server"]
    search_fields = ["=server__name"]
    show_full_result_count = False


@admin.register(Lease)
class LeaseAdmin(ReadOnly, ModelAdmin):
    """The session and the locks; one that hangs can be taken away."""

    list_display = ["resource", "server", "owner", "taken_at", "expires_at"]
    list_select_related = ["server"]
    actions = ["take_away"]

    @admin.action(description=_("Take away from their owners"), permissions=["take"])
    def take_away(self, request, queryset):
        for owner in queryset.values_list("owner", flat=True):
            leases.release(owner)

    def has_take_permission(self, request):
        return request.user.is_superuser
