"""Teams, as clients see them."""

from rest_framework import serializers

from workspace.models import Invitation, Membership, Team, TeamRole
from workspace.serializers.fields import Text


class PersonSerializer(serializers.Serializer):
    """Who somebody is, beside what they are in a team."""

    uid = serializers.UUIDField(source="user_id")
    uname = serializers.CharField(source="user.uname")
    uemail = serializers.EmailField(source="user.email")
    uavatar = serializers.CharField(source="user.uavatar", allow_null=True)


class MemberSerializer(PersonSerializer, serializers.ModelSerializer):
    class Meta:
        model = Membership
        fields = ["uid", "uname", "uemail", "uavatar", "role", "joined_at"]
        read_only_fields = fields


class InvitedSerializer(PersonSerializer, serializers.ModelSerializer):
    invited_by = serializers.CharField(source="invited_by.uname")

    class Meta:
        model = Invitation
        fields = ["uid", "uname", "uemail", "uavatar", "invited_by", "invited_at"]
        read_only_fields = fields


class TeamSerializer(serializers.ModelSerializer):
    members = MemberSerializer(source="memberships", many=True)
    invitations = InvitedSerializer(many=True)

    class Meta:
        model = Team
        fields = ["id", "name", "created_at", "members", "invitations"]
        read_only_fields = fields


class TeamsSerializer(serializers.Serializer):
    teams = TeamSerializer(many=True)


class TeamNameSerializer(serializers.Serializer):
    name = Text(max_length=100)


class InviteSerializer(serializers.Serializer):
    uemail = serializers.EmailField(source="email", max_length=150)


class TeamRoleSerializer(serializers.Serializer):
    role = serializers.ChoiceField([TeamRole.MANAGER, TeamRole.READER])


class HandOverSerializer(serializers.Serializer):
    uid = serializers.UUIDField()
