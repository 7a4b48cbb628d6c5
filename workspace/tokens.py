"""Access and refresh tokens: give out, refresh, revoke, sweep.

An access token is believed by its signature until it expires (`config.auth` reads it).
A refresh token counts only while its row stands: each is replaced when used, and one
that comes back after it was replaced has been copied, so its whole family ends.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, Token

from config.errors import Unauthorized
from workspace.models import RefreshToken, TokenFamily

# Several pages of one browser load at once, all with the token they know.
GRACE = timedelta(seconds=30)


class BadRefreshToken(Unauthorized):
    """This sign-in has ended; please sign in again."""

    code = "token_not_valid"


class RefreshJWT(Token):
    """A refresh token as the client holds it; its type keeps it from being access."""

    token_type = "refresh"
    lifetime = timedelta(days=settings.WORKSPACE_REFRESH_DAYS)


@dataclass(frozen=True)
class Pair:
    """What a client gets: signed texts, and the seconds the access token lives."""

    access: str
    refresh: str
    expires_in: int


def open_family(user, *, address="", user_agent=""):
    """Begin a sign-in of the user and return its first Pair."""
    with transaction.atomic():
        family = TokenFamily.objects.create(
            user=user,
            address=address[: _length("address")],
            user_agent=user_agent.replace("\0", "")[: _length("user_agent")],
        )
        return _pair(family)


def refresh(token):
    """Replace a refresh token and return the next Pair.

    Raise BadRefreshToken for one that is no refresh token of ours, that expired, whose
    person may not sign in, or that was replaced more than GRACE ago.
    """
    _verify(token)
    with transaction.atomic():
        family = _locked_family(token)
        if family is None or family.revoked_at or not family.user.is_active:
            raise BadRefreshToken
        # Read under the lock: another page may have replaced it this moment.
        row = family.tokens.get(sha256=_sha256(token))
        frozen_now = timezone.now()
        stolen = row.replaced_at and frozen_now - row.replaced_at > GRACE
        if stolen:
            revoke_family(family)
        else:
            if row.replaced_at is None:
                row.replaced_at = frozen_now
                row.save(update_fields=["replaced_at"])
            family.last_used_at = frozen_now
            family.save(update_fields=["last_used_at"])
            pair = _pair(family)
    if stolen:  # outside, or the revocation would be rolled back
        raise BadRefreshToken
    return pair


def revoke(token):
    """End the sign-in that a refresh token belongs to, if there is one."""
    with transaction.atomic():
        family = _locked_family(token)
        if family is not None:
            revoke_family(family)


def revoke_family(family):
    """End one sign-in."""
    if family.revoked_at is None:
        family.revoked_at = timezone.now()
        family.save(update_fields=["revoked_at"])


def revoke_all(user):
    """End all sign-ins of the user."""
    user.token_families.filter(revoked_at=None).update(revoked_at=timezone.now())


def sweep():
    """Forget expired tokens and the families that have none left; count the latter."""
    RefreshToken.objects.filter(expires_at__lt=timezone.now()).delete()
    _count, of_each = TokenFamily.objects.filter(tokens=None).delete()
    return of_each.get(TokenFamily._meta.label, 0)


def access_token(user):
    """Return the claims that existing clients read, ready to be signed by str()."""
    token = AccessToken()
    token["sub"] = user.uname
    token["uemail"] = user.email
    token["user_id"] = str(user.pk)
    return token


def _pair(family):
    token = RefreshJWT()
    token["sub"] = str(family.user_id)
    text = str(token)
    RefreshToken.objects.create(
        family=family,
        sha256=_sha256(text),
        expires_at=token.current_time + token.lifetime,
    )
    access = access_token(family.user)
    return Pair(str(access), text, int(access.lifetime.total_seconds()))


def _verify(token):
    try:
        RefreshJWT(token)
    except TokenError as error:
        raise BadRefreshToken from error


def _locked_family(token):
    families = TokenFamily.objects.select_related("user")
    families = families.select_for_update(of=("self",))
    return families.filter(tokens__sha256=_sha256(token)).first()


def _sha256(token):
    return hashlib.sha256(token.encode()).hexdigest()


def _length(field):
    return TokenFamily._meta.get_field(field).max_length
