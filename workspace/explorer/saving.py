"""Keep queries by name, with their chart; Explorer's own models hold them."""

from django.db import transaction
from explorer.models import Query

from config.errors import Forbidden
from workspace.models import Chart


class NotYours(Forbidden):
    """Only the author and superusers change this query; save it under another name."""

    code = "not_the_author"


def save(query, *, user, title, sql, description="", chart=None):
    """Save a new query, or another version of one; raise NotYours."""
    check_may_change(query, user)
    query.title, query.sql, query.description = title, sql, description
    query.created_by_user = query.created_by_user or user
    with transaction.atomic():
        query.save()
        Chart.objects.filter(query=query).delete()
        if chart is not None:
            Chart.objects.create(query=query, **chart)
    return Query.objects.select_related("chart", "created_by_user").get(pk=query.pk)


def delete(query, *, user):
    """Delete a query; what it ran stays in the log. Raise NotYours."""
    check_may_change(query, user)
    query.delete()


def check_may_change(query, user):
    if query.pk and not may_change(query, user):
        raise NotYours


def may_change(query, user):
    return user.is_superuser or query.created_by_user_id == user.pk
