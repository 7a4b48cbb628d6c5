"""The form of what comes in; the names are those of the wire."""

import re
import uuid
from datetime import date
from functools import cache

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from charging import plates
from charging.moments import moment_of
from config.errors import Invalid, problem

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,99}", re.ASCII)
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})", re.ASCII)
FIRST_YEAR, LAST_YEAR = 2000, 2099
EMAIL_LENGTH = 254
SEEN_LENGTH = 200


def values_of(serializer_class, data):
    """Return what the serializer makes of data; raise ValidationError."""
    return form(serializer_class).run_validation(data)


@cache
def form(serializer_class):
    """Return the one instance of a serializer: it judges, and keeps nothing."""
    return serializer_class()


def uuid_of(text):
    """Return the UUID of a path, in the one spelling we give out; raise ValueError."""
    found = uuid.UUID(text)
    if str(found) != text.lower():
        raise ValueError("another spelling of a UUID")
    return found


def calendar_day(text):
    """Return the date of a YYYY-MM-DD; raise ValueError."""
    if not DATE.fullmatch(text):
        raise ValueError(text)
    day = date.fromisoformat(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(text)
    return day


def day_in_query(parameters, name="date"):
    """Return the date in a query string; raise Invalid."""
    text = parameters.get(name)
    if text is None:
        raise Invalid(problem(["query", name], _("This field is required."), "missing"))
    try:
        return calendar_day(text)
    except ValueError as error:
        text = _("Write the date as YYYY-MM-DD.")
        raise Invalid(problem(["query", name], text, "date_parsing")) from error


class Text(serializers.CharField):
    """A JSON text that UTF-8 can carry; DRF's own field takes numbers too."""

    def to_internal_value(self, data):
        if not isinstance(data, str) or not plates.is_unicode(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Strict(serializers.Field):
    """A field whose `reading` returns what a value means, or raises ValueError."""

    is_text = True

    def to_internal_value(self, data):
        if self.is_text and not isinstance(data, str):
            self.fail("invalid")
        try:
            return self.reading(data)
        except ValueError:
            self.fail("invalid")


@extend_schema_field(int)
class Bay(Strict):
    """A bay's number; digits as a text will do, null is any free bay."""

    default_error_messages = {"invalid": _("Not the number of a charging bay.")}
    is_text = False

    def reading(self, value):
        is_digits = isinstance(value, str) and NUMBER.fullmatch(value)
        if not is_digits and type(value) is not int:
            raise ValueError(value)
        return int(value)


@extend_schema_field(str)
class Plate(Strict):
    """A plate as typed, outer spaces removed."""

    default_error_messages = {
        "invalid": _("Write the plate with 5 to 32 letters and digits, like 12가3456.")
    }

    def reading(self, value):
        plates.normalise(value)
        return value.strip()


@extend_schema_field(OpenApiTypes.DATE)
class Day(Strict):
    default_error_messages = {"invalid": _("Write the date as YYYY-MM-DD.")}

    def reading(self, value):
        return calendar_day(value)


@extend_schema_field(str)
class Clock(Strict):
    """A time of day as a minute; 24:00 only where an end is meant."""

    default_error_messages = {"invalid": _("Write the time as HH:MM.")}

    def __init__(self, *, midnight=False, **kwargs):
        self.latest = 24 * 60 if midnight else 24 * 60 - 1
        super().__init__(**kwargs)

    def reading(self, value):
        found = CLOCK.fullmatch(value)
        if found is None:
            raise ValueError(value)
        hours, minutes = map(int, found.groups())
        minute = hours * 60 + minutes
        if minutes > 59 or minute > self.latest:
            raise ValueError(value)
        return minute


@extend_schema_field(OpenApiTypes.EMAIL)
class Address(Strict):
    """An e-mail address in small letters; a blank one is none."""

    default_error_messages = {"invalid": _("Enter a valid e-mail address.")}

    def reading(self, value):
        address = value.strip().lower()
        if not address:
            return None
        try:
            if len(address) > EMAIL_LENGTH:
                raise ValueError(value)
            validate_email(address)
        except ValidationError as error:
            raise ValueError(value) from error
        return address


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(Strict):
    default_error_messages = {"invalid": _("Not a moment that can be read.")}
    is_text = False

    def reading(self, value):
        return moment_of(value)


class BookingSerializer(serializers.Serializer):
    """One window in one bay."""

    sessionId = Bay(source="bay", allow_null=True)
    plate = Plate()
    date = Day()
    startTime = Clock(source="start")
    endTime = Clock(source="end", midnight=True)
    contactEmail = Address(source="contact_email", default=None, allow_null=True)


class WaitingSerializer(BookingSerializer):
    """One window to wait for, and where to write when it is free."""

    contactEmail = Address(source="contact_email", allow_null=False)

    def validate_contactEmail(self, address):
        if address is None:
            raise serializers.ValidationError(_("Where shall we write to?"), "missing")
        return address


class BatchSerializer(serializers.Serializer):
    """Hours in one bay, from each of the start times."""

    sessionId = Bay(source="bay", allow_null=True)
    plate = Plate()
    date = Day()
    startTimes = serializers.ListField(
        source="starts", child=Clock(), min_length=1, max_length=48
    )
    contactEmail = Address(source="contact_email", default=None, allow_null=True)

    def validate_startTimes(self, starts):
        if len(set(starts)) < len(starts):
            raise serializers.ValidationError(_("Name each start only once."))
        return starts


class VerifySerializer(serializers.Serializer):
    """A plate, and the bay and window it is meant for; null or "" is not given."""

    plate = Plate()
    sessionId = Bay(source="bay", default=None, allow_null=True)
    date = Day(default=None, allow_null=True)
    startTime = Clock(source="start", default=None, allow_null=True)
    endTime = Clock(source="end", midnight=True, default=None, allow_null=True)

    def to_internal_value(self, data):
        if isinstance(data, dict):
            plate = data.get("plate")
            data = {key: value for key, value in data.items() if value != ""}
            data["plate"] = plate
        return super().to_internal_value(data)


@extend_schema_field(str)
class Seen(Strict):
    """Whatever a camera took for a plate."""

    default_error_messages = {"invalid": _("Not a text of at most 200 characters.")}

    def reading(self, value):
        if len(value.strip()) > SEEN_LENGTH or not plates.is_unicode(value):
            raise ValueError(value)
        return value.strip()


class MatchSerializer(serializers.Serializer):
    """A plate as a camera read it, which may be any text, and when."""

    plate = Seen()
    timestamp = Moment()


@extend_schema_serializer(component_name="ChargingLogin")
class LoginSerializer(serializers.Serializer):
    email = Text(max_length=EMAIL_LENGTH)
    password = Text(max_length=1024, trim_whitespace=False)
