"""What uploads have on servers that is no whole file yet."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sshops.models.servers import Server


class UploadPart(models.Model):
    """A hidden file beside an upload's goal; the row goes when the file does."""

    server = models.ForeignKey(
        Server, models.CASCADE, related_name="+", verbose_name=_("server")
    )
    path = models.TextField(_("path"))
    touched_at = models.DateTimeField(_("touched"), default=timezone.now)

    class Meta:
        verbose_name = _("part of an upload")
        verbose_name_plural = _("parts of uploads")
        ordering = ["server_id", "id"]

    def __str__(self):
        return f"{self.server}:{self.path}"
