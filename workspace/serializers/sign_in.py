"""Signing in and out, as clients send and read it."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from workspace.serializers.fields import Text


class LoginSerializer(serializers.Serializer):
    """E-mail, under either of its names, and password.

    An empty text is no mistake of form, but an e-mail or password that nobody has.
    """

    email = Text(max_length=150, allow_blank=True, required=False)
    uemail = Text(max_length=150, allow_blank=True, required=False)
    password = Text(max_length=1024, allow_blank=True, trim_whitespace=False)

    def validate(self, values):
        uemail = values.pop("uemail", None)
        values.setdefault("email", uemail)
        if values["email"] is None:
            missing = serializers.Field.default_error_messages["required"]
            raise serializers.ValidationError({"email": missing}, "required")
        return values


class RefreshSerializer(serializers.Serializer):
    refresh_token = Text(max_length=4096, allow_blank=True)


class LogoutSerializer(serializers.Serializer):
    """One sign-in by its refresh token, or all of them."""

    refresh_token = Text(max_length=4096, required=False)
    all = serializers.BooleanField(default=False)

    def validate(self, values):
        if not values["all"] and "refresh_token" not in values:
            text = _("Send the refresh token, or all: true.")
            raise serializers.ValidationError({"refresh_token": text}, "required")
        return values


class TokensSerializer(serializers.Serializer):
    """What a client gets at login and at refresh, out of a `tokens.Pair`."""

    access_token = serializers.CharField(source="access")
    token_type = serializers.CharField(read_only=True, default="bearer")
    success = serializers.BooleanField(read_only=True, default=True)
    refresh_token = serializers.CharField(source="refresh")
    expires_in = serializers.IntegerField(help_text=_("Seconds."))
