"""What is kept of chat: messages of groups, and how far each person has read."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 64


class ChatMessage(models.Model):
    """A message to a group; its id is its moment in microseconds, given by Valkey."""

    id = models.BigIntegerField(primary_key=True)
    group = models.CharField(_("group"), max_length=NAME_LENGTH)
    kind = models.CharField(_("kind"), max_length=16)
    sender = models.CharField(_("client"), max_length=NAME_LENGTH, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("chat message")
        verbose_name_plural = _("chat messages")
        ordering = ["id"]
        indexes = [models.Index(fields=["group", "id"], name="workspace_of_group")]

    def __str__(self):
        return f"{self.group}: {self.text[:40]}"


class ChatGroup(models.Model):
    """A group that has kept messages, whether anybody is in it now or not."""

    name = models.CharField(_("name"), max_length=NAME_LENGTH, primary_key=True)

    last_id = models.BigIntegerField(_("last message"))

    class Meta:
        verbose_name = _("chat group")
        verbose_name_plural = _("chat groups")
        ordering = ["name"]

    def __str__(self):
        return self.name


class ReadMark(models.Model):
    """The last message of a group that a person has read."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="read_marks"
    )
    group = models.CharField(max_length=NAME_LENGTH)

    last_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "group"], name="workspace_one_mark_a_group"
            )
        ]

    def __str__(self):
        return f"{self.user_id} {self.group} {self.last_id}"
