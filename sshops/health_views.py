"""How the servers do, over HTTP: what the board draws beside the live changes."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from sshops import health
from sshops.answers import View
from sshops.models import Server


class LatencySerializer(serializers.Serializer):
    are_checks_running = serializers.BooleanField()
    latencies = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True))
    )


class Latencies(View):
    right = "sshops.use_terminal"

    @extend_schema(responses=LatencySerializer)
    def get(self, request):
        """Tell the latencies in ms of each server's last checks, the oldest first; null
        is a failed one. `are_checks_running` is false when nobody checks at all."""
        servers = Server.objects.visible_to(request.user).filter(is_active=True)
        names = dict(servers.values_list("pk", "name"))
        latencies = health.sparks(servers.only("pk"))
        return Response(
            {
                "are_checks_running": health.are_checks_running(),
                "latencies": {names[pk]: row for pk, row in latencies.items()},
            }
        )
