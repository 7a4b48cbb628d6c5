"""People come in and go: sign in, sign out, block, delete, and the way back."""

import secrets

from django.contrib.auth import authenticate
from django.db import transaction
from django.utils import timezone

from config.errors import Unauthorized
from config.realtime import publish, user_group
from config.throttling import Rate
from workspace import tokens
from workspace.models import Role, User

# For one e-mail and address, over all ways to sign in.
FAILURES = Rate("sign-in-failures", limit=10, seconds=60)


class WrongCredentials(Unauthorized):
    """E-mail or password is wrong."""

    code = "wrong_credentials"


def sign_in(*, email, password, address, request=None):
    """Return the person of this e-mail and password, and note the moment.

    Raise WrongCredentials without telling, by text or by time, whether the password is
    wrong, the e-mail unknown, or the person blocked or deleted. Raise TooMany after ten
    failures within a minute for the e-mail and address; successes are not counted.
    """
    key = f"{email.strip().lower()} {address}"
    FAILURES.check(key)
    # Django's backend hashes once also when there is no such person.
    user = authenticate(request, username=email.strip(), password=password)
    if user is None:
        FAILURES.take(key)  # refuses those who passed the check at the same moment
        raise WrongCredentials
    user.ulast_login = timezone.now()
    user.save(update_fields=["ulast_login"])
    return user


def sign_out_everywhere(user):
    """End all sign-ins of the person; open sockets close with 4401.

    An access token lives on until it expires, but opens nothing for someone blocked.
    """
    with transaction.atomic():
        tokens.revoke_all(user)
        publish(user_group(user), "user.left")


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
