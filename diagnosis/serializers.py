"""Accounts, patients and sessions in JSON; the field names are those of the wire."""

import re

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from diagnosis import clinic
from diagnosis.models import Account, Patient, Role, TestSession
from diagnosis.times import in_seoul

# Patients are no accounts.
ROLES = [role.value for role in Role if role != Role.PATIENT]


class Text(serializers.CharField):
    """A JSON text, as it is; the REST framework's own takes numbers and trims."""

    def __init__(self, **kwargs):
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A moment in Seoul time."""

    def to_representation(self, value):
        return in_seoul(value)


class RegisterSerializer(serializers.Serializer):
    login_id = Text(min_length=3, max_length=20)
    password = Text(min_length=8, max_length=1024)
    name = Text(max_length=100, allow_blank=True)
    role = serializers.ChoiceField(ROLES)
    admin_code = Text(max_length=1024, allow_blank=True)

    def validate_password(self, password):
        if not re.search("[A-Za-z]", password) or not re.search("[0-9]", password):
            raise serializers.ValidationError(_("Needs a letter and a digit."))
        return password


class SignInSerializer(serializers.Serializer):
    login_id = Text(min_length=3, max_length=20)
    password = Text(max_length=1024, allow_blank=True)


class RefreshTokenSerializer(serializers.Serializer):
    refresh_token = Text(max_length=4096, allow_blank=True)


class PairSerializer(serializers.Serializer):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()


class ProfileSerializer(serializers.ModelSerializer):
    login_id = serializers.SerializerMethodField()
    name = serializers.CharField(source="user.get_full_name")
    created_at = Moment()
    updated_at = Moment()

    class Meta:
        model = Account
        fields = ["login_id", "id", "name", "role", "created_at", "updated_at"]

    def get_login_id(self, account) -> str:
        return account.login_id or account.user.get_username()


class PatientSerializer(serializers.ModelSerializer):
    created_at = Moment()
    updated_at = Moment()

    class Meta:
        model = Patient
        fields = ["id", "code", "name", "created_at", "updated_at"]


class NewPatientSerializer(serializers.Serializer):
    name = Text(max_length=255, allow_blank=True)
    code = Text(
        max_length=64, allow_blank=True, allow_null=True, required=False, default=""
    )

    def validate_code(self, code):
        # A headset names it as a segment of a path.
        if code and "/" in code:
            raise serializers.ValidationError(_("Must not contain a slash."))
        return code or ""


class PatientChangeSerializer(serializers.Serializer):
    name = Text(
        max_length=255, allow_blank=True, allow_null=True, required=False, default=None
    )


class StartSerializer(serializers.Serializer):
    patient_id = serializers.IntegerField()
    type = serializers.ChoiceField(TestSession.Type.values)
    level = serializers.IntegerField(min_value=1, max_value=3)


class SessionSerializer(serializers.ModelSerializer):
    expired_at = Moment()

    class Meta:
        model = TestSession
        fields = ["id", "code", "expired_at"]


class ChangeSerializer(serializers.Serializer):
    """A SessionTransition."""

    id = serializers.IntegerField()
    state = serializers.CharField(source="to_state")
    timestamp = Moment(source="created_at")


class WatchedSerializer(serializers.ModelSerializer):
    """A session as its doctor watches it."""

    created_at = Moment()
    expired_at = Moment()
    received_at = Moment(allow_null=True)
    reason = serializers.SerializerMethodField()
    changes = ChangeSerializer(source="transitions", many=True)

    class Meta:
        model = TestSession
        fields = [
            *("id", "patient_id", "code", "type", "level", "state", "reason"),
            *("created_at", "expired_at", "received_at", "changes"),
        ]

    def get_reason(self, session) -> str:
        return clinic.reason(session)


class HeadsetsSerializer(serializers.Serializer):
    patient_ids = serializers.ListField(child=serializers.IntegerField())


class RecordSerializer(serializers.Serializer):
    """A Result as an item of the list."""

    id = serializers.IntegerField(source="recording_id")
    type = serializers.CharField(source="recording.session.type")
    level = serializers.IntegerField(source="recording.session.level")
    filename = serializers.CharField()
    created_at = Moment(source="recording.session.created_at")


class MetadataSerializer(serializers.Serializer):
    """A Result with its figures."""

    patient_id = serializers.IntegerField(source="recording.session.patient_id")
    type = serializers.CharField(source="recording.session.type")
    level = serializers.IntegerField(source="recording.session.level")
    created_at = Moment(source="recording.session.created_at")
    filename = serializers.CharField()
    score = serializers.FloatField()
    time_spent = serializers.FloatField()
    fps = serializers.FloatField()


class TrendPointSerializer(serializers.Serializer):
    """A Result as a point of a curve."""

    id = serializers.IntegerField(source="recording_id")
    created_at = Moment(source="recording.session.created_at")
    score = serializers.FloatField()
    time_spent = serializers.FloatField()
    fps = serializers.FloatField()


class TrendSerializer(serializers.Serializer):
    """One test at one level, its results from the oldest to the newest."""

    type = serializers.CharField()
    level = serializers.IntegerField()
    results = TrendPointSerializer(many=True)
