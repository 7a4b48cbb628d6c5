"""Accounts: sign up, sign in, refresh, sign out; who is a doctor.

The user is the project's; what is the clinic's own stands in Account. An access token
is good everywhere in the project; a refresh token counts only while its SignIn stands.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, Token

from config.errors import DomainError, Forbidden, Unauthorized
from config.throttling import Rate
from diagnosis.models import Account, Role, SignIn

SIGN_UP_FAILURES = Rate("diagnosis-sign-up-failures", limit=10, seconds=60)
# For one login ID and address.
SIGN_IN_FAILURES = Rate("diagnosis-sign-in-failures", limit=10, seconds=60)


class WrongAdminCode(DomainError):
    """The admin code is wrong."""

    code = "wrong_admin_code"


class LoginIDTaken(DomainError):
    """This login ID is taken."""

    code = "login_id_taken"


class WrongCredentials(Unauthorized):
    """Login ID or password is wrong."""

    code = "wrong_credentials"


class BadRefreshToken(Unauthorized):
    """This sign-in has ended; please sign in again."""

    code = "token_not_valid"


class NotADoctor(Forbidden):
    """Only doctors may do this."""

    code = "not_a_doctor"


class RefreshToken(Token):
    """A refresh token as the client holds it; its type keeps it from being access."""

    token_type = "refresh"
    lifetime = timedelta(minutes=settings.REFRESH_TOKEN_EXPIRE_MINUTES)


@dataclass(frozen=True)
class Pair:
    """What a client gets: signed texts."""

    access_token: str
    refresh_token: str


def register(*, login_id, password, name, role, admin_code, address):
    """Make a user with an account and return the account.

    Raise WrongAdminCode (always, while the settings name no code), LoginIDTaken, or
    TooMany after ten wrong codes within a minute from the address.
    """
    SIGN_UP_FAILURES.check(address)
    expected = settings.ADMIN_CODE
    if not expected or not constant_time_compare(admin_code, expected):
        SIGN_UP_FAILURES.take(address)
        raise WrongAdminCode
    try:
        with transaction.atomic():
            # Here people have no e-mail address; the user must have one of its own.
            user = get_user_model().objects.create_user(
                f"{uuid.uuid4().hex}@diagnosis.invalid", password, uname=name
            )
            return Account.objects.create(user=user, login_id=login_id, role=role)
    except IntegrityError as error:
        raise LoginIDTaken from error


def sign_in(*, login_id, password, address, user_agent, request=None):
    """Return the Pair of a new sign-in.

    Raise WrongCredentials without telling, by text or by time, what is wrong. Raise
    TooMany after ten failures within a minute for the login ID and address.
    """
    key = f"{login_id} {address}"
    SIGN_IN_FAILURES.check(key)
    account = Account.objects.select_related("user").filter(login_id=login_id).first()
    # Django's backend hashes once also when there is no such person.
    email = account.user.get_username() if account else ""
    user = authenticate(request, username=email, password=password)
    if user is None:
        SIGN_IN_FAILURES.take(key)
        raise WrongCredentials
    user.ulast_login = timezone.now()
    user.save(update_fields=["ulast_login"])
    return open_sign_in(account, user, address, user_agent)


def open_sign_in(account, user, address, user_agent):
    token = RefreshToken()
    token["sub"] = str(account.pk)
    text = str(token)
    with transaction.atomic():
        if not settings.ALLOW_MULTIPLE_SESSIONS:
            # Locked: of two sign-ins at once, one ends the other.
            Account.objects.select_for_update(no_key=True).get(pk=account.pk)
            sign_out(user)
        SignIn.objects.create(
            user=user,
            sha256=_sha256(text),
            password_mark=user.get_session_auth_hash(),
            expires_at=token.current_time + token.lifetime,
            **_origin(address, user_agent),
        )
    return Pair(_access_token(account, user), text)


def refresh(token, *, address, user_agent):
    """Return a Pair of a new access token and the same refresh token.

    Raise BadRefreshToken for one that is not in use; a changed address, User-Agent or
    password ends the sign-in.
    """
    try:
        RefreshToken(token)
    except TokenError as error:
        raise BadRefreshToken from error
    sign_ins = SignIn.objects.select_related("user").filter(
        expires_at__gt=timezone.now()
    )
    found = sign_ins.filter(sha256=_sha256(token)).first()
    if found is None or not found.user.is_active:
        raise BadRefreshToken
    origin = {"address": found.address, "user_agent": found.user_agent}
    same_password = constant_time_compare(
        found.password_mark, found.user.get_session_auth_hash()
    )
    if origin != _origin(address, user_agent) or not same_password:
        found.delete()
        raise BadRefreshToken
    return Pair(_access_token(account_of(found.user), found.user), token)


def sign_out(user):
    """Forget all refresh tokens of the user."""
    SignIn.objects.filter(user=user).delete()


def sweep():
    """Forget expired refresh tokens; return how many."""
    count, _of_each = SignIn.objects.filter(expires_at__lt=timezone.now()).delete()
    return count


def account_of(user):
    """Return the account of a user, made at need for one who came from elsewhere."""
    role = Role.DOCTOR if user.is_superuser else Role.NONE
    return Account.objects.select_related("user").get_or_create(
        user=user, defaults={"role": role}
    )[0]


def doctor_of(user):
    """Return the account of a doctor or superuser; raise NotADoctor."""
    if user.is_superuser:
        return account_of(user)
    account = Account.objects.filter(user=user, role=Role.DOCTOR).first()
    if account is None:
        raise NotADoctor
    return account


def _access_token(account, user):
    # Numbers and hexadecimal alone: clients decode the claims with the plain base64
    # alphabet, which has no sign for some other letters.
    token = AccessToken()
    token.set_exp(lifetime=timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES))
    token["sub"] = str(account.pk)
    token["user_id"] = str(user.pk)
    return str(token)


def _origin(address, user_agent):
    """Return where a sign-in comes from, cut to what is stored."""
    fields = {"address": address, "user_agent": user_agent.replace("\0", "")}
    return {
        name: value[: SignIn._meta.get_field(name).max_length]
        for name, value in fields.items()
    }


def _sha256(token):
    return hashlib.sha256(token.encode()).hexdigest()
