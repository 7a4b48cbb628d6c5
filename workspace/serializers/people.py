"""People, as clients see them."""

from rest_framework import serializers

from workspace.models import User


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
