"""Teams, their members and who is invited."""

from django.contrib import admin
from django.db.models import Count, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from workspace.admin.desk import StaffDesk
from workspace.models import Invitation, Membership, Team, TeamRole


class MembersInline(StaffDesk, TabularInline):
    model = Membership
    autocomplete_fields = ["user"]
    readonly_fields = ["joined_at"]
    extra = 0


class InvitationsInline(StaffDesk, TabularInline):
    model = Invitation
    autocomplete_fields = ["user"]
    fields = ["user", "invited_by", "invited_at"]
    readonly_fields = ["invited_by", "invited_at"]
    extra = 0


@admin.register(Team)
class TeamAdmin(StaffDesk, ModelAdmin):
    list_display = ["name", "owner", "members", "created_at"]
    search_fields = ["name", "memberships__user__email", "memberships__user__uname"]
    readonly_fields = ["created_at"]
    inlines = [MembersInline, InvitationsInline]

    def get_queryset(self, request):
        owners = Membership.objects.filter(role=TeamRole.OWNER, team=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                member_count=Count("memberships"),
                owner_name=Subquery(owners.values("user__uname")[:1]),
            )
        )

    @admin.display(description=_("owner"), ordering="owner_name")
    def owner(self, team):
        return team.owner_name

    @admin.display(description=_("members"), ordering="member_count")
    def members(self, team):
        return team.member_count

    def save_formset(self, request, form, formset, change):
        """Who invites from the desk is the operator."""
        for instance in formset.save(commit=False):
            if isinstance(instance, Invitation):
                instance.invited_by = request.user
            instance.save()
        for gone in formset.deleted_objects:
            gone.delete()
        formset.save_m2m()
