"""People, as clients see them and as they are made and changed."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from rest_framework import serializers

from workspace.models import Role, User
from workspace.serializers.fields import Flag, Text

# A picture may be the address of one, or a small one itself as a data: URL.
AVATAR_LENGTH = 200_000


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


class Password(Text):
    """A password to be; what it must not be is asked of `checked`."""

    def __init__(self, **kwargs):
        limits = {"min_length": 8, "max_length": 128, "trim_whitespace": False}
        super().__init__(write_only=True, **limits, **kwargs)


def checked(values, field, user):
    """Return the values; raise ValidationError when Django's validators refuse the
    password that stands under the field's name."""
    try:
        validate_password(values["password"], user)
    except ValidationError as error:
        raise serializers.ValidationError({field: error.messages}) from error
    return values


class NewUserSerializer(serializers.Serializer):
    """A person to be made by an administrator."""

    uemail = serializers.EmailField(source="email", max_length=150)
    upassword = Password(source="password")
    uname = Text(max_length=100, default="anonymous")
    urole = serializers.ChoiceField(Role.choices, default=Role.USER)
    uavatar = Text(
        max_length=AVATAR_LENGTH, allow_null=True, allow_blank=True, default=None
    )
    uisdel = Flag(default=False)
    uactive = Flag(default=True)

    def validate(self, values):
        user = User(email=values["email"], uname=values["uname"])
        return checked(values, "upassword", user)


class NewPersonSerializer(serializers.Serializer):
    """The same in the words of a second address."""

    uemail = serializers.EmailField(source="email", max_length=150)
    uname = Text(max_length=100)
    password = Password()

    def validate(self, values):
        user = User(email=values["email"], uname=values["uname"])
        return checked(values, "password", user)


class OwnChangesSerializer(serializers.Serializer):
    """What people may change of themselves."""

    uname = Text(max_length=100, required=False)
    upassword = Password(source="password", required=False)
    uavatar = Text(
        max_length=AVATAR_LENGTH, allow_null=True, allow_blank=True, required=False
    )

    def validate(self, values):
        if "password" in values:
            checked(values, "upassword", self.context["user"])
        return values
