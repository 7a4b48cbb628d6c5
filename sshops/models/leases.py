"""What one connection holds for itself alone: the session, or a server."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from sshops.models.servers import Server

SESSION = "session"


class LeaseQuerySet(models.QuerySet):
    def in_force(self):
        return self.filter(expires_at__gt=Now())


class Lease(models.Model):
    """One row for each thing held, gone when it is free; `id` is the fencing number.

    It is renewed while its owner lives, and counts for nothing when it has run out. All
    times are the database's, so that the clocks of machines need not agree.
    """

    resource = models.CharField(max_length=80, unique=True)
    server = models.ForeignKey(
        Server, models.CASCADE, null=True, related_name="+", verbose_name=_("server")
    )
    owner = models.CharField(_("connection"), max_length=36)
    taken_at = models.DateTimeField(_("taken"), db_default=Now())
    expires_at = models.DateTimeField(_("runs out"))

    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("lock")
        verbose_name_plural = _("locks")
        ordering = ["id"]

    def __str__(self):
        return f"{self.resource}: {self.owner}"
