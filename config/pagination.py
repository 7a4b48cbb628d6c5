"""Numbers in a query, and the part of a list that `skip` and `limit` name."""

import re

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter

from config.errors import Invalid, problem

MOST = 1000
# Beyond it lies nothing, and PostgreSQL counts no further than a bigint.
FAR = 10**18


def number_in_query(request, name, default=None):
    """Return the whole number of that name, or the default; raise Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]+", text, re.ASCII):
        raise Invalid(
            problem(["query", name], _("Not an integer."), "int_parsing", text)
        )
    return min(int(text), FAR) if len(text) < 20 else FAR


def skip_and_limit(default):
    """Document both, with a limit's default."""
    return [
        OpenApiParameter("skip", int, default=0),
        OpenApiParameter("limit", int, default=default),
    ]


def part(request, rows, default):
    """Return the rows that `skip` and `limit` name, at most MOST; raise Invalid."""
    skip = number_in_query(request, "skip", 0)
    limit = min(number_in_query(request, "limit", default), MOST)
    return rows[skip : skip + limit]
