"""Named transfers between two servers, and each time something is transferred."""

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.clock import clock
from sshops.models.servers import Server, valid_name


class TransferQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Keep the transfers between servers that the user may work on."""
        servers = Server.objects.visible_to(user)
        return self.filter(source_server__in=servers, target_server__in=servers)


class Transfer(models.Model):
    """What an operator may have copied: from where, to where."""

    name = models.CharField(
        _("name"), max_length=64, unique=True, validators=[valid_name]
    )
    source_server = models.ForeignKey(
        Server, models.PROTECT, related_name="+", verbose_name=_("from server")
    )
    source_path = models.CharField(
        _("from path"),
        max_length=4096,
        help_text=_("* ? and [ ] match names in its last part."),
    )
    target_server = models.ForeignKey(
        Server, models.PROTECT, related_name="+", verbose_name=_("to server")
    )
    target_path = models.CharField(_("to path"), max_length=4096)
    description = models.CharField(
        _("description"), max_length=500, blank=True, default=""
    )
    rate_limit = models.PositiveBigIntegerField(
        _("bytes a second"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty is as fast as it goes."),
    )

    objects = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z0-9][a-z0-9._-]{0,63}$"),
                name="sshops_transfer_name_form",
            )
        ]

    def __str__(self):
        return self.name


class TransferKind(models.TextChoices):
    COPY = "copy", _("between servers")
    SEND = "send", _("shared file to server")
    FETCH = "fetch", _("server to shared file")


class TransferState(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    COMPLETE = "complete", _("complete")
    ERROR = "error", _("error")
    CANCELLED = "cancelled", _("cancelled")


OPEN = [TransferState.QUEUED, TransferState.RUNNING]


class TransferRunQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Keep the user's own runs; a superuser sees all."""
        return self if user.is_superuser else self.filter(user=user)


class TransferRun(models.Model):
    """One copying, queued or under way or over; the row is the truth of it.

    A worker holds it while it says so again and again (`seen_at`); `attempt` is the
    number by which a worker knows that another has taken over.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    transfer = models.ForeignKey(
        Transfer,
        models.SET_NULL,
        null=True,
        related_name="runs",
        verbose_name=_("transfer"),
    )
    transfer_name = models.CharField(_("name"), max_length=64, blank=True)
    # From where to where, as it was asked for. The end that is no server is a shared
    # file, by its name; servers of runs that are over may go.
    kind = models.CharField(
        _("kind"),
        max_length=5,
        choices=TransferKind.choices,
        default=TransferKind.COPY,
    )
    source_server = models.ForeignKey(
        Server,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("from server"),
    )
    source_path = models.CharField(_("from path"), max_length=4096, blank=True)
    target_server = models.ForeignKey(
        Server,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("to server"),
    )
    target_path = models.CharField(_("to path"), max_length=4096, blank=True)
    rate_limit = models.PositiveBigIntegerField(_("bytes a second"), null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    connection_id = models.CharField(max_length=36, blank=True, default="")
    audit_entry = models.ForeignKey(
        "sshops.AuditEntry", models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(_("asked for"), default=timezone.now)

    state = models.CharField(
        _("state"),
        max_length=9,
        choices=TransferState.choices,
        default=TransferState.QUEUED,
    )
    attempt = models.PositiveIntegerField(_("attempts"), default=0)
    started_at = models.DateTimeField(_("started"), null=True)
    seen_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    is_cancel_wanted = models.BooleanField(default=False)
    is_planned = models.BooleanField(default=False)
    files_total = models.PositiveIntegerField(_("files"), default=0)
    files_done = models.PositiveIntegerField(_("files done"), default=0)
    bytes_total = models.PositiveBigIntegerField(_("bytes"), default=0)
    bytes_done = models.PositiveBigIntegerField(_("bytes done"), default=0)
    # The one that is sent, or that has come of what was fetched.
    shared_file = models.CharField(_("shared file"), max_length=64, blank=True)
    error_code = models.PositiveIntegerField(_("error code"), null=True)
    error = models.TextField(_("error"), blank=True, default="")

    objects = TransferRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("transfer run")
        verbose_name_plural = _("transfer runs")
        ordering = ["-created_at"]
        indexes = [
            # What the beat looks for when a message or a worker was lost.
            models.Index(
                "created_at",
                name="sshops_open_runs",
                condition=Q(state__in=["queued", "running"]),
            )
        ]

    def __str__(self):
        name = self.transfer_name or self.source_path
        return f"{name} {clock(self.created_at)}"


class TransferFile(models.Model):
    """One file or folder of a run, as it was when the run was planned."""

    run = models.ForeignKey(TransferRun, models.CASCADE, related_name="files")
    position = models.PositiveIntegerField()
    source_path = models.TextField(_("from"))
    target_path = models.TextField(_("to"))
    is_folder = models.BooleanField(default=False)
    size = models.PositiveBigIntegerField(_("bytes"))
    mode = models.PositiveIntegerField()
    modified_at = models.BigIntegerField()  # seconds, as SFTP tells it

    is_done = models.BooleanField(_("done"), default=False)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("file of a transfer")
        verbose_name_plural = _("files of transfers")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                "run", "position", name="sshops_one_file_a_position"
            )
        ]

    def __str__(self):
        return self.source_path
