"""Shared files, and those on their way."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Folder(models.TextChoices):
    IMAGES = "images", _("pictures")
    DOCUMENTS = "documents", _("documents")
    FILES = "files", _("other files")


class Described(models.Model):
    """What somebody said of a file when sending it."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="%(class)ss",
        verbose_name=_("owner"),
    )
    original_filename = models.CharField(_("name"), max_length=255)
    description = models.CharField(_("description"), max_length=500, blank=True)
    size = models.BigIntegerField(_("size"))

    class Meta:
        abstract = True


class Upload(Described):
    """A file that is stored whole; its bytes lie under `key`, and never change."""

    filename = models.CharField(_("stored as"), max_length=60, unique=True)
    folder = models.CharField(_("folder"), max_length=9, choices=Folder.choices)
    content_type = models.CharField(_("type"), max_length=50)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["-uploaded_at", "-pk"]
        indexes = [
            models.Index(
                fields=["-uploaded_at", "-id"], name="workspace_newest_uploads"
            )
        ]

    def __str__(self):
        return self.original_filename

    @property
    def key(self):
        return f"{self.folder}/{self.filename}"

    @property
    def path(self) -> str:
        """The path that clients know."""
        return f"uploads/{self.key}"


class PartialUpload(Described):
    """A file that comes in pieces (the tus protocol): how much of it is here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(_("begun"), default=timezone.now)

    offset = models.BigIntegerField(_("received"), default=0)
    touched_at = models.DateTimeField(_("last bytes"), default=timezone.now)
    upload = models.OneToOneField(
        Upload,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("file"),
    )

    class Meta:
        verbose_name = _("upload under way")
        verbose_name_plural = _("uploads under way")
        ordering = ["-touched_at"]
        indexes = [models.Index(fields=["touched_at"], name="workspace_abandoned")]

    def __str__(self):
        return self.original_filename

    @property
    def is_complete(self):
        return self.offset == self.size


class Piece(models.Model):
    """Some bytes of a file under way, stored under a name of their own."""

    partial = models.ForeignKey(PartialUpload, models.CASCADE, related_name="pieces")
    offset = models.BigIntegerField()
    size = models.BigIntegerField()
    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["offset"]
        constraints = [
            models.UniqueConstraint(
                "partial", "offset", name="workspace_one_piece_each"
            )
        ]

    def __str__(self):
        return self.name
