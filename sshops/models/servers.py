"""The servers that operators reach by SSH."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.secrets import SecretField

STOP_PHRASE = "[SUCC] PostgreSQL load data unload Process"
MOST_JUMPS = 3

valid_name = RegexValidator(
    r"\A[a-z0-9][a-z0-9._-]{0,63}\Z",
    _("Use a-z, 0-9, dot, hyphen and underscore, at most 64, a letter or digit first."),
)


def key_of(name):
    """Return the text that a name is stored as; nothing has one with a zero character,
    which the database does not take."""
    return "" if "\0" in name else name.lower()


class ServerQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Keep the servers that the user may work on: those that name nobody, and
        those that name the user or one of the user's groups; a superuser sees all."""
        if user.is_superuser:
            return self
        users = Server.allowed_users.through.objects.filter(server=OuterRef("pk"))
        groups = Server.allowed_groups.through.objects.filter(server=OuterRef("pk"))
        return self.filter(
            ~Exists(users) & ~Exists(groups)
            | Q(Exists(users.filter(user=user)))
            | Q(Exists(groups.filter(group__user=user)))
        )

    def without_secrets(self):
        """Leave out what only a connection needs."""
        return self.defer("password", "private_key")


class Server(models.Model):
    """A machine with an SSH server, and how we log in there."""

    name = models.CharField(
        _("name"), max_length=64, unique=True, validators=[valid_name]
    )
    host = models.CharField(_("host"), max_length=255)
    port = models.PositiveIntegerField(
        _("port"),
        default=22,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
    )
    username = models.CharField(_("login name"), max_length=64)
    password = SecretField(_("password"), null=True, blank=True)
    private_key = SecretField(_("private key"), null=True, blank=True)
    host_key = models.TextField(
        _("host key"),
        blank=True,
        default="",
        help_text=_("Type and key in one line, as in known_hosts."),
    )
    jump = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reached by way of"),
    )
    default_stop_phrase = models.CharField(
        _("stop phrase"), max_length=512, blank=True, default=STOP_PHRASE
    )
    description = models.CharField(
        _("description"), max_length=500, blank=True, default=""
    )
    tags = models.JSONField(_("tags"), default=list, blank=True)
    allowed_users = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        related_name="+",
        blank=True,
        verbose_name=_("people who may use it"),
    )
    allowed_groups = models.ManyToManyField(
        "auth.Group",
        related_name="+",
        blank=True,
        verbose_name=_("groups that may use it"),
        help_text=_("Where nobody is named, everybody with the permission may."),
    )
    is_active = models.BooleanField(_("in use"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    updated_at = models.DateTimeField(_("last change"), auto_now=True)
    # A key that the server showed and that is not the pinned one: an operator decides.
    offered_host_key = models.TextField(_("key it showed"), blank=True, default="")
    offered_at = models.DateTimeField(_("shown"), null=True, blank=True)

    objects = ServerQuerySet.as_manager()

    class Meta:
        verbose_name = _("server")
        verbose_name_plural = _("servers")
        ordering = ["name"]
        permissions = [
            ("use_terminal", _("Can run commands and open terminals")),
            ("use_transfer", _("Can run transfers")),
            ("view_audit", _("Can read the audit log")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(port__gte=1, port__lte=65535), name="sshops_port_exists"
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z0-9][a-z0-9._-]{0,63}$"),
                name="sshops_server_name_form",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def has_password(self) -> bool:
        return bool(self.password)

    @property
    def has_private_key(self) -> bool:
        return bool(self.private_key)

    def clean(self):
        """Refuse a way of jumps that comes back here, or is long."""
        on_the_way, server = 0, self.jump
        while server is not None:
            on_the_way += 1
            if server.pk == self.pk or on_the_way > MOST_JUMPS:
                text = _("At most three servers on the way, and none twice.")
                raise ValidationError({"jump": text})
            server = server.jump
