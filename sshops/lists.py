"""Lists over HTTP: {"total", "items"}, with limit and offset in the query."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from config.errors import Invalid, problem
from config.pagination import number_in_query

MOST_ROWS = 1000
PAGE = [
    OpenApiParameter("limit", int, default=100),
    OpenApiParameter("offset", int, default=0),
]


def limit_in_query(request, default=100, most=MOST_ROWS):
    """Return the limit in the query; raise Invalid for one outside 1..most."""
    limit = number_in_query(request, "limit", default)
    if not 1 <= limit <= most:
        text = _("From 1 to {most}.").format(most=most)
        raise Invalid(problem(["query", "limit"], text, "range", limit))
    return limit


def page_of(request, rows, serializer):
    """Return {"total", "items"}; raise Invalid for a limit outside 1..1000."""
    limit = limit_in_query(request)
    offset = number_in_query(request, "offset", 0)
    page = serializer(rows[offset : offset + limit], many=True).data
    return {"total": rows.count(), "items": page}


def page_serializer(name, row):
    """Return the serializer that documents a page of rows."""
    fields = {"total": serializers.IntegerField(), "items": row(many=True)}
    return type(name, (serializers.Serializer,), fields)
