"""People: the one user model of the whole project."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    USER = "user", _("user")
    ADMIN = "admin", _("administrator")
    VIEWER = "viewer", _("viewer")


class UserManager(BaseUserManager):
    def get_by_natural_key(self, username):
        return self.get(email__iexact=username)

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

    @property
    def is_active(self):
        return self.uactive and not self.uisdel

    @property
    def is_staff(self):
        return self.is_superuser or self.urole == Role.ADMIN

    def get_full_name(self):
        return self.uname

    def get_short_name(self):
        return self.uname
