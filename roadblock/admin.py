"""Vehicles, keys, chases and events for operators; positions to read only."""

import secrets

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import connection
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action, display

from config.admin import ReadOnly
from config.errors import DomainError
from roadblock import chases, fleet, webhooks
from roadblock.models import (
    Alert,
    Chase,
    Event,
    Plan,
    PoliceCar,
    Position,
    Roadblock,
    Vehicle,
    VehicleKey,
    Zone,
)


class OnDuty(admin.SimpleListFilter):
    """Cars in service at first, retired ones on request."""

    title = _("service")
    parameter_name = "service"

    def lookups(self, request, model_admin):
        return [("retired", _("retired")), ("all", _("all"))]

    def choices(self, changelist):
        first, *others = super().choices(changelist)
        yield {**first, "display": _("in service")}
        yield from others

    def queryset(self, request, queryset):
        if self.value() == "retired":
            return queryset.exclude(deleted_at=None)
        return queryset if self.value() == "all" else queryset.live()


class DetailsInline(ReadOnly, StackedInline):
    model = PoliceCar


class ChasesInline(ReadOnly, TabularInline):
    model = Chase
    fk_name = "runner"
    fields = ["started_at", "ended_at", "catcher", "outcome"]
    verbose_name_plural = _("chases as the runner")


@admin.register(Vehicle)
class VehicleAdmin(ModelAdmin):
    list_display = [
        *("car_name", "kind", "vehicle_id", "id", "condition", "fuel", "map_id"),
        *("created_at", "deleted_at"),
    ]
    list_filter = [OnDuty, "vehicle_type", "details__status", "map_id"]
    list_select_related = ["details"]
    search_fields = ["car_name", "=vehicle_id", "=id"]
    ordering = ["-id"]
    fields = [
        *("car_name", "map_id", "vehicle_type", "vehicle_id"),
        *("created_at", "deleted_at"),
    ]
    readonly_fields = ["vehicle_type", "vehicle_id", "created_at", "deleted_at"]
    inlines = [DetailsInline, ChasesInline]
    actions = ["retire"]
    actions_list = ["live_map"]

    def get_readonly_fields(self, request, obj=None):
        if obj is not None and obj.deleted_at:
            return self.fields
        return self.readonly_fields

    def has_add_permission(self, request):
        return False  # a car registers itself

    def has_delete_permission(self, request, obj=None):
        return False  # it is retired; its events stay

    @display(description=_("type"), label={"police": "info", "runner": "danger"})
    def kind(self, vehicle):
        return vehicle.vehicle_type, vehicle.get_vehicle_type_display()

    @display(
        description=_("condition"),
        label={
            "normal": "success",
            "half_destroyed": "warning",
            "complete_destroyed": "danger",
        },
    )
    def condition(self, vehicle):
        if not vehicle.is_police:
            return None
        return vehicle.details.status, vehicle.details.get_status_display()

    @admin.display(description=_("fuel, percent"))
    def fuel(self, vehicle):
        return vehicle.details.fuel if vehicle.is_police else None

    def changeform_view(self, request, *args, **kwargs):
        """Tell an operator whose change contradicts what happened meanwhile."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as error:
            self.message_user(request, error, messages.ERROR)
            return redirect(request.path)

    def save_model(self, request, obj, form, change):
        if "car_name" in form.changed_data:
            fleet.rename(obj, form.cleaned_data["car_name"])
        if "map_id" in form.changed_data:
            fleet.move(obj, form.cleaned_data["map_id"])

    @admin.action(description=_("Retire the selected vehicles"))
    def retire(self, request, queryset):
        retired = 0
        for vehicle in queryset.live():
            try:
                fleet.retire(vehicle)
            except DomainError as error:
                self.message_user(request, f"{vehicle}: {error}", messages.WARNING)
            else:
                retired += 1
        text = ngettext("{n} vehicle retired.", "{n} vehicles retired.", retired)
        self.message_user(request, text.format(n=retired))

    def get_actions(self, request):
        actions = super().get_actions(request)
        if not request.user.has_perm("roadblock.delete_vehicle"):
            actions.pop("retire", None)
        return actions

    @action(description=_("Live map"), url_path="live-map", icon="map")
    def live_map(self, request):
        return redirect("roadblock:home")


@admin.register(VehicleKey)
class VehicleKeyAdmin(ModelAdmin):
    """Adding a key makes it and shows it once; nothing shows it again."""

    list_display = ["vehicle_id", "counter_required", "created_at"]
    search_fields = ["=vehicle_id"]
    fields = ["vehicle_id", "counter_required"]

    def get_readonly_fields(self, request, obj=None):
        return ["vehicle_id"] if obj else []

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "vehicle_id":
            kwargs |= {"min_value": 0, "max_value": 2**32 - 1}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        secret = obj.secret if change else secrets.token_urlsafe(32)
        fleet.set_key(obj.pk, secret, counter_required=obj.counter_required)
        if not change:
            self.message_user(
                request,
                format_html(
                    "{} <code>{}</code>",
                    _("The key of this vehicle, shown this once:"),
                    secret,
                ),
                messages.WARNING,
            )

    def delete_model(self, request, obj):
        fleet.set_key(obj.pk, None)

    def delete_queryset(self, request, queryset):
        for key in queryset:
            fleet.set_key(key.pk, None)


class EventsInline(ReadOnly, TabularInline):
    model = Event
    fields = ["created_at", "status", "catcher", "acknowledged_by"]


@admin.register(Chase)
class ChaseAdmin(ReadOnly, ModelAdmin):
    list_display = ["runner", "state", "started_at", "ended_at", "catcher", "duration"]
    list_filter = ["outcome", ("started_at", admin.DateFieldListFilter)]
    list_select_related = ["runner", "catcher"]
    search_fields = ["runner__car_name", "catcher__car_name"]
    inlines = [EventsInline]
    actions = ["close"]

    @display(
        description=_("state"),
        label={"open": "warning", "caught": "success", "closed": "info"},
    )
    def state(self, chase):
        if chase.is_open:
            return "open", _("open")
        return chase.outcome, chase.get_outcome_display()

    @admin.display(description=_("duration"))
    def duration(self, chase):
        if chase.is_open:
            return None
        return str(chase.ended_at - chase.started_at).split(".")[0]

    @admin.action(description=_("Close the selected chases without a catch"))
    def close(self, request, queryset):
        closed = chases.close_chases(pk__in=queryset.values("pk"))
        text = ngettext("{n} chase closed.", "{n} chases closed.", closed)
        self.message_user(request, text.format(n=closed))

    def get_actions(self, request):
        actions = super().get_actions(request)
        if not request.user.has_perm("roadblock.change_chase"):
            actions.pop("close", None)
        return actions


class RoadblocksInline(ReadOnly, TabularInline):
    model = Roadblock
    fields = ["unit", "node", "eta", "slack", "share", "loss", "state", "changed_at"]


@admin.register(Plan)
class PlanAdmin(ReadOnly, ModelAdmin):
    list_display = [
        *("chase", "why", "made_at", "replaced_at", "share", "bound", "proven"),
        "is_trial",
    ]
    list_filter = ["reason", "is_trial", ("made_at", admin.DateFieldListFilter)]
    list_select_related = ["chase__runner"]
    search_fields = ["chase__runner__car_name"]
    exclude = ["heat", "containment"]
    inlines = [RoadblocksInline]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("heat")

    @display(description=_("reason"))
    def why(self, plan):
        return plan.get_reason_display()


@admin.register(Event)
class EventAdmin(ReadOnly, ModelAdmin):
    list_display = ["created_at", "what", "runner", "catcher", "acknowledged_by"]
    list_filter = ["status", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["runner", "catcher", "acknowledged_by"]
    search_fields = ["runner__car_name", "catcher__car_name"]

    @display(
        description=_("status"),
        label={"run": "info", "catch": "success", "failed": "warning"},
    )
    def what(self, event):
        return event.status, event.get_status_display()


class EstimatingPaginator(Paginator):
    """Asks the planner how many rows there are: counting millions takes seconds."""

    EXACT_BELOW = 50_000

    @cached_property
    def count(self):
        if self.object_list.query.where:
            return len(self.object_list.values_list("pk")[: self.EXACT_BELOW])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class WHERE relname = %s",
                [self.object_list.model._meta.db_table],
            )
            estimate = cursor.fetchone()[0]
        return estimate if estimate >= self.EXACT_BELOW else super().count


@admin.register(Position)
class PositionAdmin(ReadOnly, ModelAdmin):
    list_display = ["vehicle", "x", "y", "created_at"]
    list_filter = ["vehicle__vehicle_type"]
    list_select_related = ["vehicle"]
    search_fields = ["=vehicle__car_name", "=vehicle__vehicle_id"]
    search_help_text = _("A vehicle's exact name or number")
    ordering = ["-pk"]
    paginator = EstimatingPaginator
    show_full_result_count = False


@admin.register(Zone)
class ZoneAdmin(ModelAdmin):
    """Zones are drawn on the live map; here they are named, paused and removed."""

    list_display = ["name", "map_id", "watches", "active", "webhook", "created_by"]
    list_filter = ["active", "watches", "map_id"]
    list_select_related = ["created_by"]
    search_fields = ["name"]
    fields = [
        *("name", "map_id", "watches", "on_enter", "on_leave", "active", "webhook"),
        *("corners", "created_by", "created_at"),
    ]
    readonly_fields = ["map_id", "corners", "created_by", "created_at"]

    def has_add_permission(self, request):
        return False

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "webhook":
            kwargs["validators"] = [webhooks.check_allowed]
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Alert)
class AlertAdmin(ReadOnly, ModelAdmin):
    list_display = [
        *("created_at", "what", "vehicle", "zone_name", "runner", "arrival"),
        *("attempts", "failure"),
    ]
    list_filter = ["kind", "delivery", ("created_at", admin.DateFieldListFilter)]
    list_select_related = ["vehicle", "runner"]
    search_fields = ["vehicle__car_name", "zone_name"]

    @display(
        description=_("kind"),
        label={
            **{"enter": "info", "leave": "info"},
            **{"silence": "warning", "proximity": "success"},
        },
    )
    def what(self, alert):
        return alert.kind, alert.get_kind_display()

    @display(
        description=_("delivery"),
        label={"waiting": "warning", "delivered": "success", "failed": "danger"},
    )
    def arrival(self, alert):
        return alert.delivery, alert.get_delivery_display()
