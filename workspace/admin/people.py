"""People, groups and sign-ins on the operators' desk."""

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display

from config.admin import ReadOnly
from workspace import people, tokens
from workspace.admin.desk import Record
from workspace.forms import PasswordForm, PersonAddForm, PersonChangeForm
from workspace.models import LoginFailure, Role, TokenFamily, User

admin.site.unregister(Group)


STATES = {"active": _("active"), "blocked": _("blocked"), "deleted": _("deleted")}


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"
    conditions = {
        "active": {"uactive": True, "uisdel": False},
        "blocked": {"uactive": False, "uisdel": False},
        "deleted": {"uisdel": True},
    }

    def lookups(self, request, model_admin):
        return STATES.items()

    def queryset(self, request, queryset):
        return queryset.filter(**self.conditions.get(self.value(), {}))


@admin.register(User)
class PersonAdmin(BaseUserAdmin, ModelAdmin):
    """People; administrators may look after ordinary ones, superusers after all."""

    form = PersonChangeForm
    add_form = PersonAddForm
    change_password_form = PasswordForm
    list_display = ["uname", "email", "role", "state", "ulast_login", "ucreate_at"]
    list_display_links = ["uname", "email"]
    list_filter = [StateFilter, "urole", "is_superuser", "groups"]
    search_fields = ["uname", "email", "uid"]
    ordering = ["-ucreate_at", "uid"]
    date_hierarchy = None
    filter_horizontal = []
    autocomplete_fields = ["groups"]
    readonly_fields = [
        "uid",
        "new_password",
        "ulast_login",
        "ucreate_at",
        "uupdated_at",
    ]
    add_fieldsets = [
        (None, {"fields": ["email", "uname", "urole", "password1", "password2"]})
    ]
    actions = ["block", "unblock", "delete", "restore"]

    @display(
        description=_("role"),
        ordering="urole",
        label={Role.ADMIN: "info", Role.VIEWER: "warning"},
    )
    def role(self, person):
        label = _("superuser") if person.is_superuser else person.role.label
        return person.role, label

    @display(
        description=_("state"),
        label={"active": "success", "blocked": "warning", "deleted": "danger"},
    )
    def state(self, person):
        return person.state, STATES[person.state]

    @display(description=_("password"))
    def new_password(self, person):
        """A link in place of Django's summary, which shows parts of the hash."""
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
            "../password/",
            _("Set a new password"),
        )

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return self.add_fieldsets
        person = ["uid", "email", "uname", "uavatar"]
        if self.has_change_permission(request, obj):
            person.append("new_password")
        rights = ["urole", "uactive", "uisdel"]
        if request.user.is_superuser:
            rights += ["is_superuser", "groups"]
        return [
            (None, {"fields": person}),
            (_("Rights"), {"fields": rights}),
            (_("Moments"), {"fields": ["ulast_login", "ucreate_at", "uupdated_at"]}),
        ]

    def get_readonly_fields(self, request, obj=None):
        own = ["urole", "uactive", "uisdel", "is_superuser"]
        if obj == request.user:  # nobody locks themselves out
            return [*self.readonly_fields, *own]
        return self.readonly_fields

    def formfield_for_choice_field(self, db_field, request, **kwargs):
        field = super().formfield_for_choice_field(db_field, request, **kwargs)
        if db_field.name == "urole" and not request.user.is_superuser:
            field.choices = [
                choice for choice in Role.choices if choice[0] != Role.ADMIN
            ]
        return field

    # Who may: staff for ordinary people, superusers for all

    def may_look_after(self, request, person):
        return people.may_look_after(request.user, person)

    def has_module_permission(self, request):
        return request.user.is_staff

    def has_view_permission(self, request, obj=None):
        return request.user.is_staff

    def has_add_permission(self, request):
        return request.user.is_staff

    def has_change_permission(self, request, obj=None):
        if not request.user.is_staff:
            return False
        return obj is None or self.may_look_after(request, obj)

    def has_delete_permission(self, request, obj=None):
        return False  # the action marks as deleted; rows stay

    # What is done

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        locked_out = {"uactive", "uisdel"}.intersection(form.changed_data)
        if change and locked_out and not obj.is_active:
            people.sign_out_everywhere(obj)

    def do(self, request, chosen, verb):
        """Do a verb of `people` to those of the chosen that the operator may change."""
        done = 0
        for person in chosen:
            if person != request.user and self.may_look_after(request, person):
                verb(person)
                self.log_change(request, person, verb.__name__)
                done += 1
        told = ngettext("{} person changed.", "{} people changed.", done).format(done)
        self.message_user(request, told, messages.SUCCESS if done else messages.WARNING)
        if left := len(chosen) - done:
            told = ngettext(
                "{} person left as is: yourself, or an administrator.",
                "{} people left as they are: yourself, or administrators.",
                left,
            )
            self.message_user(request, told.format(left), messages.WARNING)

    @admin.action(description=_("Block"), permissions=["change"])
    def block(self, request, queryset):
        self.do(request, queryset, people.block)

    @admin.action(description=_("Unblock"), permissions=["change"])
    def unblock(self, request, queryset):
        self.do(request, queryset, people.unblock)

    @admin.action(description=_("Delete"), permissions=["change"])
    def delete(self, request, queryset):
        self.do(request, queryset, people.delete)

    @admin.action(description=_("Restore"), permissions=["change"])
    def restore(self, request, queryset):
        self.do(request, queryset, people.restore)


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):
    pass


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnly, ModelAdmin):
    """Who is signed in with tokens, from where; to read, and to end."""

    list_display = [
        "user",
        "created_at",
        "last_used_at",
        "address",
        "user_agent",
        "revoked_at",
    ]
    list_select_related = ["user"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["user__email", "user__uname", "address"]
    actions = ["sign_out"]

    def has_sign_out_permission(self, request):
        return request.user.is_superuser

    @admin.action(description=_("Sign out"), permissions=["sign_out"])
    def sign_out(self, request, queryset):
        for family in queryset:
            tokens.revoke_family(family)
        told = ngettext("{} sign-in ended.", "{} sign-ins ended.", len(queryset))
        self.message_user(request, told.format(len(queryset)))


@admin.register(LoginFailure)
class LoginFailureAdmin(Record, ModelAdmin):
    """Who could not sign in, when and from where; forgotten after a while."""

    list_display = ["failed_at", "email", "address"]
    list_filter = [("failed_at", admin.DateFieldListFilter)]
    search_fields = ["email", "address"]
    date_hierarchy = "failed_at"
