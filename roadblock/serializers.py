"""Vehicles and chases in JSON."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from roadblock.models import Chase, Plan, PoliceCar, Roadblock, Vehicle


class DetailsSerializer(serializers.ModelSerializer):
    class Meta:
        model = PoliceCar
        fields = ["fuel", "collision_count", "status"]


class VehicleSerializer(serializers.ModelSerializer):
    details = serializers.SerializerMethodField()

    class Meta:
        model = Vehicle
        fields = ["id", "car_name", "vehicle_type", "details", "vehicle_id", "map_id"]

    def get_details(self, vehicle) -> DetailsSerializer(allow_null=True):
        return DetailsSerializer(vehicle.details).data if vehicle.is_police else None


class RenameSerializer(serializers.Serializer):
    car_name = serializers.CharField(max_length=50)

    def to_internal_value(self, data):
        # DRF's text field would take a number for a text.
        if isinstance(data, dict) and not isinstance(data.get("car_name", ""), str):
            raise serializers.ValidationError(
                {"car_name": [_("Must be a text.")]}, "string_type"
            )
        return super().to_internal_value(data)


class ChaseSerializer(serializers.ModelSerializer):
    class Meta:
        model = Chase
        fields = [
            *("id", "runner_id", "started_at", "ended_at", "catcher_id", "outcome"),
        ]


class RoadblockSerializer(serializers.ModelSerializer):
    unit_id = serializers.IntegerField()
    vehicle_id = serializers.IntegerField(source="unit.vehicle_id")

    class Meta:
        model = Roadblock
        fields = [
            *("id", "unit_id", "vehicle_id", "node", "x", "y", "heading", "eta"),
            *("slack", "share", "loss", "command", "state", "changed_at"),
        ]


class PlanSerializer(serializers.ModelSerializer):
    chase_id = serializers.IntegerField()
    gap = serializers.FloatField()
    roadblocks = RoadblockSerializer(many=True)

    class Meta:
        model = Plan
        fields = [
            *("id", "chase_id", "reason", "goal", "is_trial", "asked_at", "made_at"),
            *("failure", "share", "bound", "gap", "proven", "seconds"),
            *("previous_share", "runner_x", "runner_y", "looked_at", "replaced_at"),
            "roadblocks",
        ]


class ContainmentSerializer(serializers.Serializer):
    possible = serializers.BooleanField(
        allow_null=True, help_text="Can all ways out be closed? null: not known."
    )
    fewest = serializers.IntegerField(help_text="No fewer cars can do it.")
    ways = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="Ways out [x, y, x, y, ...] of which one at least stays open.",
    )


class PlanWithHeatSerializer(PlanSerializer):
    containment = ContainmentSerializer(allow_null=True)

    class Meta(PlanSerializer.Meta):
        fields = [*PlanSerializer.Meta.fields, "containment", "heat"]


class PointField(serializers.ListField):
    """[x, y] in finite metres."""

    child = serializers.FloatField(min_value=-1e7, max_value=1e7)

    def __init__(self, **kwargs):
        super().__init__(min_length=2, max_length=2, **kwargs)


class PostsField(serializers.DictField):
    """{id of a police car: [x, y]}."""

    child = PointField()

    def to_internal_value(self, data):
        posts = super().to_internal_value(data)
        if len(posts) > MOST_POSTS or not all(_is_id(key) for key in posts):
            raise serializers.ValidationError(
                _("Must be at most {n} car ids, each with its place.").format(
                    n=MOST_POSTS
                )
            )
        return posts


class PlanRequestSerializer(serializers.Serializer):
    """What a plan shall be like; all of it may be left out."""

    goal = serializers.ChoiceField(Plan.Goal.choices, default=Plan.Goal.EXPECTED)
    trial = serializers.BooleanField(
        default=False, help_text="Only answer what the plan would be; order nobody."
    )
    posts = PostsField(
        required=False, help_text="Place these cars by hand; the plan is their worth."
    )
    without = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        max_length=100,
        required=False,
        help_text="Ids of cars that shall not be used.",
    )
    runner = PointField(required=False, help_text="Trials only: the runner is here.")
    units = PostsField(required=False, help_text="Trials only: these cars are there.")

    def validate(self, values):
        if not values["trial"] and ("runner" in values or "units" in values):
            raise serializers.ValidationError(
                _("Only a trial may put cars where they are not.")
            )
        is_search = values["trial"] and "posts" not in values
        if values["goal"] == Plan.Goal.CONTAIN and not is_search:
            raise serializers.ValidationError(
                _("Ask for no way out as a trial; then order the posts it finds.")
            )
        return values


MOST_POSTS = 100


def _is_id(key):
    return key.isascii() and key.isdigit() and len(key) < 20 and 0 < int(key) < 2**63
