"""People: made, changed and kept out, and how they sign in and out."""

import secrets
from datetime import timedelta

from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.errors import DomainError, Forbidden, Unauthorized
from config.realtime import publish, user_group
from config.throttling import Rate
from workspace import tokens
from workspace.models import LoginFailure, Role, User

# For one e-mail and address, over all ways to sign in.
FAILURES = Rate("sign-in-failures", limit=10, seconds=60)
KEEP_FAILURES = timedelta(days=30)


class WrongCredentials(Unauthorized):
    """E-mail or password is wrong."""

    code = "wrong_credentials"


class EmailTaken(DomainError):
    """This e-mail address is taken."""

    code = "email_taken"


class AdminMakesNoAdmin(Forbidden):
    """Only a superuser makes administrators."""


class NotYours(Forbidden):
    """You may not change this person: yourself, or an administrator."""


def sign_in(*, email, password, address, request=None):
    """Return the person of this e-mail and password, and note the moment.

    Raise WrongCredentials without telling, by text or by time, whether the password is
    wrong, the e-mail unknown, or the person blocked or deleted. Raise TooMany after ten
    failures within a minute for the e-mail and address; successes are not counted.
    """
    user = confirm(email=email, password=password, address=address, request=request)
    user.ulast_login = timezone.now()
    user.save(update_fields=["ulast_login"])
    return user


def confirm(*, email, password, address, request=None):
    """Return the person of this e-mail and password; raise as sign_in does."""
    key = f"{email.strip().lower()} {address}"
    FAILURES.check(key)
    # Django's backend hashes once also when there is no such person.
    user = authenticate(request, username=email.strip(), password=password)
    if user is None:
        FAILURES.take(key)  # refuses those who passed the check at the same moment
        _note_failure(email, address)
        raise WrongCredentials
    return user


def _note_failure(email, address):
    # What is no address may be a password in the wrong box.
    email = email.strip()[: _length("email")] if "@" in email else ""
    LoginFailure.objects.create(email=email, address=address[: _length("address")])


def _length(field):
    return LoginFailure._meta.get_field(field).max_length


def forget_failures():
    """Forget failures older than KEEP_FAILURES; count them."""
    old = LoginFailure.objects.filter(failed_at__lt=timezone.now() - KEEP_FAILURES)
    return old.delete()[0]


def sign_out_everywhere(user):
    """End all sign-ins of the person; open sockets close with 4401.

    An access token lives on until it expires, but opens nothing for someone blocked.
    """
    with transaction.atomic():
        tokens.revoke_all(user)
        publish(user_group(user), "user.left")


def create(*, by, email, password, **fields):
    """Make a person; raise AdminMakesNoAdmin, or EmailTaken whatever the case."""
    check_role(by, fields.get("urole", Role.USER))
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, **fields)
    except IntegrityError as error:
        raise EmailTaken from error


def update_profile(user, *, password=None, **fields):
    """Change one's own name, picture and password; a new one ends all sign-ins."""
    with transaction.atomic():
        if password is not None:
            user.set_password(password)
            fields["password"] = user.password
        _set(user, **fields)
        if password is not None:
            sign_out_everywhere(user)


def may_look_after(by, person):
    """Tell whether an administrator may change the person: superusers all, others
    those who are no administrators."""
    return by.is_staff and (by.is_superuser or not person.is_staff)


def check_may_change(by, person):
    """Raise NotYours unless `by` looks after the person, who is somebody else."""
    if by == person or not may_look_after(by, person):
        raise NotYours


def check_role(by, role):
    """Raise AdminMakesNoAdmin when `by` may not give the role."""
    if role == Role.ADMIN and not by.is_superuser:
        raise AdminMakesNoAdmin


def set_role(user, role):
    """Give the person a role."""
    _set(user, urole=role)


def block(user):
    """Keep the person out, from this moment on."""
    _set(user, uactive=False)


def unblock(user):
    """Let the person sign in again."""
    _set(user, uactive=True)


def delete(user):
    """Mark the person as deleted; the row stays, for what others have with it."""
    _set(user, uisdel=True)


def restore(user):
    """Take a deletion back."""
    _set(user, uisdel=False)


def _set(user, **fields):
    with transaction.atomic():
        for name, value in fields.items():
            setattr(user, name, value)
        user.save(update_fields=[*fields, "uupdated_at"])
        if not user.is_active:
            sign_out_everywhere(user)


def ensure_superuser(email="", password=""):
    """Make sure that there is a superuser; return (email, password) of one made up.

    With an e-mail and a password: that person exists, is a superuser, may sign in and
    has this password. Without, and only when there is no superuser at all, one is made
    up with a random password: the caller tells it to whoever sets this up. Otherwise
    None.
    """
    with transaction.atomic():
        if email and password:
            _make_superuser(email, password)
            return None
        if User.objects.filter(is_superuser=True).exists():
            return None
        password = secrets.token_urlsafe(12)
        _make_superuser("admin@example.com", password)
        return "admin@example.com", password


def _make_superuser(email, password):
    try:
        user = User.objects.get_by_natural_key(email)
    except User.DoesNotExist:
        User.objects.create_superuser(email, password, uname="admin")
        return
    if not user.check_password(password):
        user.set_password(password)
        sign_out_everywhere(user)
    user.is_superuser, user.urole = True, Role.ADMIN
    user.uactive, user.uisdel = True, False
    user.save()
