"""Fields stricter than the REST framework's own."""

from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON text; the REST framework's own field takes numbers for texts too."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """True or false; the REST framework's own field takes "yes" and 1 too."""

    def to_internal_value(self, data):
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
