"""What clients of the explorer send."""

from django.utils.translation import gettext_lazy as _
from explorer.models import Query
from rest_framework import serializers

from workspace.models import Chart
from workspace.serializers.fields import Text

SQL_CHARACTERS = 100_000
SERIES = 10
COLUMN_CHARACTERS = 63  # of a name in PostgreSQL


class Sql(Text):
    def __init__(self, **options):
        super().__init__(
            max_length=SQL_CHARACTERS,
            trim_whitespace=False,
            error_messages={"blank": _("Write a statement first.")},
            **options,
        )

    def run_validation(self, data=serializers.empty):
        blank = isinstance(data, str) and not data.strip()
        return super().run_validation("" if blank else data)


class RunSerializer(serializers.Serializer):
    sql = Sql()
    query = serializers.PrimaryKeyRelatedField(
        queryset=Query.objects.all(), allow_null=True, default=None
    )


class ChartSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(Chart.Kind.choices)
    x = Text(max_length=COLUMN_CHARACTERS, trim_whitespace=False)
    y = serializers.ListField(
        child=Text(max_length=COLUMN_CHARACTERS, trim_whitespace=False),
        max_length=SERIES,
    )


class QuerySerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    title = Text(max_length=255)
    description = Text(max_length=2000, allow_blank=True, required=False, default="")
    sql = Sql()
    chart = ChartSerializer(allow_null=True, required=False, default=None)
    author = serializers.CharField(
        source="created_by_user.uname", read_only=True, default=""
    )
