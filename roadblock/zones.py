"""Zones: polygons that operators draw on a map, and what makes one valid."""

import shapely
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from roadblock import webhooks
from roadblock.models import Zone

MOST_CORNERS = 200
MOST_ZONES = 500
MOST_METRES = 1e7
SMALLEST = 1.0  # square metres


class CornerField(serializers.ListField):
    """[x, y] in metres."""

    child = serializers.FloatField(min_value=-MOST_METRES, max_value=MOST_METRES)

    def __init__(self, **kwargs):
        super().__init__(min_length=2, max_length=2, **kwargs)


class ZoneSerializer(serializers.ModelSerializer):
    name = serializers.CharField(max_length=80)
    map_id = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    corners = serializers.ListField(
        child=CornerField(), min_length=3, max_length=MOST_CORNERS
    )

    class Meta:
        model = Zone
        fields = [
            *("id", "name", "map_id", "corners", "watches", "on_enter", "on_leave"),
            *("active", "webhook", "created_at"),
        ]
        read_only_fields = ["created_at"]

    def validate_corners(self, corners):
        polygon = shapely.Polygon(corners)
        if not polygon.is_valid or polygon.area < SMALLEST:
            raise serializers.ValidationError(
                _("The sides must not cross, and must enclose a square metre.")
            )
        return corners

    def validate_webhook(self, url):
        webhooks.check_allowed(url)
        return url


class Grounds:
    """Active zones of a moment as polygons, ready to ask about many points at once."""

    SLACK = 2.0  # metres outside at which a car has left: positions tremble

    def __init__(self, zones):
        self.zones = list(zones)
        self.inner = [shapely.Polygon(zone.corners) for zone in self.zones]
        self.outer = [polygon.buffer(self.SLACK) for polygon in self.inner]
        shapely.prepare(self.inner)
        shapely.prepare(self.outer)

    def holders(self, fleet, before):
        """Return {zone id: set of ids inside}.

        `before` is the same of a moment ago: who was inside stays so within SLACK.
        """
        now = {}
        for zone, inner, outer in zip(self.zones, self.inner, self.outer, strict=True):
            rows = fleet.rows(zone.map_id, zone.watches)
            x, y, ids = fleet.x[rows], fleet.y[rows], fleet.ids[rows]
            inside = set(ids[shapely.contains_xy(inner, x, y)].tolist())
            if stayed := before.get(zone.pk, set()) - inside:
                kept = ids[shapely.contains_xy(outer, x, y)].tolist()
                inside |= stayed.intersection(kept)
            now[zone.pk] = inside
        return now
