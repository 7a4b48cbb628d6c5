"""Fields of JSON bodies that take exactly what they say; REST's own are lenient."""

import re
from datetime import UTC, date, datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sshops.times import local

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Text(serializers.CharField):
    """A text that the database can keep, taken as it is."""

    def __init__(self, **kwargs):
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            data.encode()
        except UnicodeEncodeError:
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(serializers.FloatField):
    """A number, and no text that looks like one."""

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")


class Whole(serializers.IntegerField):
    """An integer, and no text that looks like one."""

    def to_internal_value(self, data):
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field):
    """A moment in ISO 8601; without an offset it is one in SSHOPS_TIME_ZONE."""

    default_error_messages = {"invalid": _("Not a time in ISO 8601.")}

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            moment = datetime.fromisoformat(data.strip())
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=settings.SSHOPS_TIME_ZONE)
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")

    def to_representation(self, value):
        return local(value)


@extend_schema_field(OpenApiTypes.DATETIME)
class Seconds(serializers.Field):
    """A moment that a server tells in seconds; to read only."""

    def __init__(self, **kwargs):
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value):
        return local(datetime.fromtimestamp(value, UTC))


@extend_schema_field(OpenApiTypes.DATE)
class Day(serializers.Field):
    """A date as YYYY-MM-DD."""

    default_error_messages = {"invalid": _("Write the date as YYYY-MM-DD.")}

    def to_internal_value(self, data):
        if not isinstance(data, str) or not DATE.fullmatch(data):
            self.fail("invalid")
        try:
            return date.fromisoformat(data)
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value):
        return value.isoformat()
