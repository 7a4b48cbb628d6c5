"""Chat over HTTP: what comes in and goes out."""

from rest_framework import serializers

from workspace.chat.lines import as_json
from workspace.serializers.fields import Text


class ServerMessageSerializer(serializers.Serializer):
    message = Text(default="Server message", allow_blank=True, trim_whitespace=False)


class DeliverySerializer(serializers.Serializer):
    """What became of a server's message; `delivered` counts the sockets it reached."""

    status = serializers.ChoiceField(["success", "error"])
    message = serializers.CharField()
    delivered = serializers.IntegerField()


class MessageSerializer(serializers.Serializer):
    """A message of a group; `sender` is a client's id, null for the server's own."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    group = serializers.CharField()
    to = serializers.CharField(allow_null=True)
    sender = serializers.CharField(allow_null=True)
    user_id = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    sent_at = serializers.DateTimeField()

    def to_representation(self, message):
        return as_json(message)


class HistorySerializer(serializers.Serializer):
    group = serializers.CharField()
    messages = MessageSerializer(many=True)
    more = serializers.BooleanField()


class ReadSerializer(serializers.Serializer):
    """The last message that was read."""

    last_id = serializers.IntegerField(min_value=0, max_value=2**63 - 1)


class KeptGroupSerializer(serializers.Serializer):
    """A group with kept messages; nothing is unread where one never looked."""

    name = serializers.CharField()
    last_id = serializers.IntegerField()
    unread = serializers.IntegerField()
