"""Vehicles and chases in JSON."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from roadblock.models import Chase, PoliceCar, Vehicle


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
