"""What comes in and goes out as JSON; the field names are those of the wire."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from workspace.models import User


class Text(serializers.CharField):
    """A JSON text; the REST framework's own field takes numbers for texts too."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


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


class UserSerializer(serializers.ModelSerializer):
    """A person as clients see them; nothing of the password, nothing of Django's."""

    uemail = serializers.EmailField(source="email")
    urole = serializers.CharField(source="role")

    class Meta:
        model = User
        fields = [
            "uid",
            "uemail",
            "uname",
            "urole",
            "uavatar",
            "uisdel",
            "uactive",
            "ucreate_at",
            "ulast_login",
            "uupdated_at",
        ]
        read_only_fields = fields
