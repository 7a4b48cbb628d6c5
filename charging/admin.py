"""Bays, reservations, sightings and the site's times for operators."""

from django import forms
from django.contrib import admin, messages
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from charging import board, cancelling, outages
from charging.listings import state_of
from charging.models import (
    BusinessHours,
    ChargingSession,
    Closure,
    Outage,
    PlateSighting,
    Reservation,
    Status,
    WaitingEntry,
)
from config.admin import ReadOnly

REASON_LENGTH = Reservation._meta.get_field("cancel_reason").max_length


@admin.register(ChargingSession)
class ChargingSessionAdmin(ModelAdmin):
    list_display = ["id", "name"]

    def get_readonly_fields(self, request, obj=None):
        return ["id"] if obj else []

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        board.bays_changed()

    def delete_model(self, request, obj):
        super().delete_model(request, obj)
        board.bays_changed()


class StateFilter(admin.SimpleListFilter):
    """The state as the clock has it, not as it is stored."""

    title = _("status")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [*Status.choices, ("HELD", _("offered")), ("OVERSTAY", _("overstay"))]

    def queryset(self, request, queryset):
        if self.value() == "HELD":
            return queryset.filter(held_until__isnull=False)
        if self.value() == "OVERSTAY":
            return queryset.exclude(overstay_told_at=None)
        return queryset.filter(state=self.value()) if self.value() else queryset


class CancelForm(ActionForm):
    reason = forms.CharField(
        label=_("reason"),
        required=False,
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": _("reason")}),
    )


class SightingsInline(ReadOnly, TabularInline):
    model = PlateSighting
    fields = ["seen_at", "plate", "source", "confidence"]


@admin.register(Reservation)
class ReservationAdmin(ReadOnly, ModelAdmin):
    list_display = [
        *("plate", "state", "session", "starts_at", "ends_at", "contact_email"),
        *("checked_in_at", "cancel_reason"),
    ]
    list_filter = [StateFilter, "session", ("starts_at", admin.DateFieldListFilter)]
    list_select_related = ["session"]
    date_hierarchy = "starts_at"
    search_fields = ["plate_normalized", "contact_email", "=id"]
    inlines = [SightingsInline]
    action_form = CancelForm
    actions = ["cancel"]

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    @display(
        description=_("status"),
        ordering="starts_at",
        label={
            Status.CONFIRMED: "info",
            Status.IN_PROGRESS: "success",
            Status.CANCELLED: "danger",
        },
    )
    def state(self, reservation):
        state = state_of(reservation, timezone.now())
        return state, state.label

    @admin.action(
        description=_("Cancel the selected reservations"), permissions=["cancel"]
    )
    def cancel(self, request, queryset):
        reason = request.POST.get("reason", "")[:REASON_LENGTH]
        cancelled = 0
        for id in queryset.values_list("pk", flat=True):
            try:
                cancelling.cancel(
                    Reservation.objects.all(), id, by=request.user, reason=reason
                )
            except cancelling.UnknownReservation:
                continue  # it was cancelled before
            cancelled += 1
        text = ngettext(
            "{n} reservation cancelled.", "{n} reservations cancelled.", cancelled
        )
        self.message_user(request, text.format(n=cancelled))

    def has_cancel_permission(self, request):
        return request.user.has_perm("charging.cancel_reservation")


@admin.register(PlateSighting)
class PlateSightingAdmin(ReadOnly, ModelAdmin):
    list_display = ["seen_at", "plate", "source", "confidence", "reservation"]
    list_filter = [
        "source",
        ("reservation", admin.EmptyFieldListFilter),
        ("seen_at", admin.DateFieldListFilter),
    ]
    list_select_related = ["reservation"]
    search_fields = ["plate", "plate_normalized"]


@admin.register(WaitingEntry)
class WaitingEntryAdmin(ReadOnly, ModelAdmin):
    list_display = ["created_at", "plate", "state", "session", "starts_at", "ends_at"]
    list_filter = ["state", "session"]
    list_select_related = ["session"]
    search_fields = ["plate_normalized", "contact_email"]


@admin.register(BusinessHours)
class BusinessHoursAdmin(ModelAdmin):
    list_display = ["weekday", "opens", "closes"]


class HitsReservations:
    """Lists the reservations that a closure or outage hits; saving tells them."""

    readonly_fields = ["affected"]

    @admin.display(description=_("reservations then"))
    def affected(self, obj):
        if obj.pk is None:
            return _("Their contacts are told when this is saved.")
        rows = self.hit(obj).select_related("session").order_by("starts_at")
        return format_html_join("\n", "<p>{} · {}</p>", ((r, r.session) for r in rows))

    def save_model(self, request, obj, form, change):
        hit = self.declare(obj)
        if hit:
            text = ngettext(
                "{n} reservation falls into this; its contact is told.",
                "{n} reservations fall into this; their contacts are told.",
                len(hit),
            )
            self.message_user(request, text.format(n=len(hit)), messages.WARNING)


@admin.register(Closure)
class ClosureAdmin(HitsReservations, ModelAdmin):
    list_display = ["first_day", "last_day", "reason"]
    hit = staticmethod(outages.hit_by_closure)
    declare = staticmethod(outages.declare_closure)


@admin.register(Outage)
class OutageAdmin(HitsReservations, ModelAdmin):
    list_display = ["session", "starts_at", "ends_at", "reason"]
    list_filter = ["session"]
    list_select_related = ["session"]
    date_hierarchy = "starts_at"
    hit = staticmethod(outages.hit_by_outage)
    declare = staticmethod(outages.declare_outage)
