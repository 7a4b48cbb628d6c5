"""People: the one user model of the whole project."""

import uuid
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config import copies, known_users
from config.clock import clock


class Role(models.TextChoices):
    USER = "user", _("user")
    ADMIN = "admin", _("administrator")
    VIEWER = "viewer", _("viewer")


class UserManager(BaseUserManager):
    def get_by_natural_key(self, username):
        # Lower() as in the constraint, so that its index finds the person.
        return self.alias(address=Lower("email")).get(address=Lower(Value(username)))

    def create_user(self, email, password=None, **fields):
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        fields.setdefault("urole", Role.ADMIN)
        return self.create_user(email, password, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can sign in; the field names are those of the wire."""

    uid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=150, unique=True)
    uname = models.CharField(_("name"), max_length=100, default="anonymous")
    urole = models.CharField(
        _("role"), max_length=50, choices=Role.choices, default=Role.USER
    )
    uavatar = models.TextField(_("picture"), null=True, blank=True)
    ucreate_at = models.DateTimeField(_("created"), default=timezone.now)

    uactive = models.BooleanField(
        _("may sign in"), default=True, help_text=_("Take this away to block someone.")
    )
    uisdel = models.BooleanField(_("deleted"), default=False)
    ulast_login = models.DateTimeField(_("last login"), null=True, blank=True)
    uupdated_at = models.DateTimeField(_("last change"), auto_now=True)

    last_login = None  # ulast_login is ours
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["ucreate_at", "uid"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="workspace_one_person_an_address",
                violation_error_message=_("This e-mail address is taken."),
            )
        ]

    def __str__(self):
        return f"{self.uname} <{self.email}>"

    def save(self, *args, update_fields=None, **kwargs):
        super().save(*args, update_fields=update_fields, **kwargs)
        if update_fields != ["ulast_login"]:  # no reason to forget what all others saw
            transaction.on_commit(partial(known_users.forget, self.pk))
            copies.drop("people")

    @property
    def is_active(self):
        return self.uactive and not self.uisdel

    @property
    def state(self):
        """One of active, blocked and deleted."""
        if self.uisdel:
            return "deleted"
        return "active" if self.uactive else "blocked"

    @property
    def is_staff(self):
        return self.is_superuser or self.urole == Role.ADMIN

    @property
    def role(self):
        """The role as clients see it: a superuser is an administrator."""
        return Role.ADMIN if self.is_superuser else Role(self.urole)

    def get_full_name(self):
        return self.uname

    def get_short_name(self):
        return self.uname


class TokenFamily(models.Model):
    """One sign-in of a person, kept alive by refresh tokens that replace each other."""

    user = models.ForeignKey(
        User,
        models.CASCADE,
        related_name="token_families",
        verbose_name=_("person"),
    )
    address = models.CharField(_("address"), max_length=64, blank=True)
    user_agent = models.CharField(_("browser or program"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("signed in"), default=timezone.now)

    last_used_at = models.DateTimeField(_("last used"), default=timezone.now)
    revoked_at = models.DateTimeField(_("signed out"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering = ["-created_at", "-pk"]

    def __str__(self):
        return f"{self.user} {clock(self.created_at)}"


class RefreshToken(models.Model):
    """A refresh token that was given out; of the token itself only a hash is kept."""

    family = models.ForeignKey(TokenFamily, models.CASCADE, related_name="tokens")
    sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    replaced_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"{self.family_id}/{self.pk}"


class LoginFailure(models.Model):
    """A sign-in that failed; never with what was given as the password."""

    email = models.CharField(_("e-mail address"), max_length=150, blank=True)
    address = models.CharField(_("address"), max_length=64, blank=True)
    failed_at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("failed sign-in")
        verbose_name_plural = _("failed sign-ins")
        ordering = ["-failed_at", "-pk"]

    def __str__(self):
        return f"{self.email} {clock(self.failed_at)}"
