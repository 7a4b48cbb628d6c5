"""How far each person has read in each group."""

from django.db.models import BigIntegerField, Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Greatest

from workspace.models import ChatGroup, ChatMessage, ReadMark


def groups_of(user):
    """Return the groups with kept messages, and how many of these are unread.

    In a group that somebody never looked into, nothing is unread to them.
    """
    mark = ReadMark.objects.filter(user=user, group=OuterRef("name"))
    unread = (
        ChatMessage.objects.filter(group=OuterRef("name"), id__gt=OuterRef("read"))
        .order_by()
        .values("group")
        .annotate(count=Count("pk"))
    )
    return ChatGroup.objects.annotate(
        read=Subquery(mark.values("last_id")),
        unread=Coalesce(Subquery(unread.values("count")), Value(0)),
    )


def set_read(user, group, last_id):
    """Note that the user has read up to a message; what was read stays read."""
    mark, made = ReadMark.objects.get_or_create(
        user=user, group=group, defaults={"last_id": last_id}
    )
    if not made:
        further = Greatest("last_id", Value(last_id, BigIntegerField()))
        ReadMark.objects.filter(pk=mark.pk).update(last_id=further)
