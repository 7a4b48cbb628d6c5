"""A token becomes a user, in one function, for DRF and for sockets.

A token is accepted in the Authorization header; on a socket also as the subprotocol
pair `bearer, <jwt>` or as `?token=`. The session cookie counts on a socket only when
the Origin is ours: a browser sends cookies along from any page.
"""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from config import errors, known_users  # the module: errors may still be loading
from config.realtime import in_thread


def user_of_token(token):
    """Return the active user of an access token, or None for a bad or stale one."""
    try:
        claims = AccessToken(token)
        uid = claims["user_id"]
    except (TokenError, KeyError):
        return None
    user = known_users.find(uid)
    return user if user and user.is_active else None


def user_of_session(session_key):
    """Return the signed-in user of a session, or None."""
    request = HttpRequest()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(session_key=session_key)
    user = auth.get_user(request)
    return user if user.is_authenticated and user.is_active else None


class Accounts(ModelBackend):
    """Django's own backend; a session's user is known in an outage, too."""

    def get_user(self, user_id):
        user = known_users.find(user_id)
        return user if user and self.user_can_authenticate(user) else None


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <jwt>` for the REST framework."""

    def authenticate(self, request):
        scheme, _space, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        user = user_of_token(token.strip().decode("latin-1"))
        if user is None:
            raise AuthenticationFailed(_("This token is not valid, or has expired."))
        return user, None

    def authenticate_header(self, request):
        return "Bearer"


async def user_of_request(request):
    """Return the user of a request to an async view, by token or session."""
    scheme, _space, token = get_authorization_header(request).partition(b" ")
    if scheme.lower() == b"bearer":
        user = await in_thread(user_of_token, token.strip().decode("latin-1"))
    else:
        # Not request.auser(): its connection would stay with a stream to the end.
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        user = await in_thread(user_of_session, key) if key else None
    return user or AnonymousUser()


class SocketAuthentication:
    """ASGI middleware: fills scope["user"] before the consumer wakes.

    Without a credential there is no look-up at all, so that a vehicle's one-frame
    connection costs no query. In an outage, who is not known is nobody: the consumer
    refuses them for the time being (`scope["try_later"]`).
    """

    def __init__(self, inner):
        self.inner = inner

    async def __call__(self, scope, receive, send):
        user, try_later = None, False
        try:
            user = await user_of_handshake(scope)
        except errors.DatabaseUnavailable:
            try_later = True
        user = user or AnonymousUser()
        await self.inner({**scope, "user": user, "try_later": try_later}, receive, send)


async def user_of_handshake(scope):
    """Return the user whose credentials a socket came with, as of now, or None."""
    headers = dict(scope["headers"])
    if token := token_of(scope, headers):
        return await in_thread(user_of_token, token)
    if session_key := session_of(scope, headers):
        return await in_thread(user_of_session, session_key)
    return None


def token_of(scope, headers):
    """Return the token that a handshake carries, or an empty text."""
    scheme, _space, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip().decode("latin-1")
    protocols = scope.get("subprotocols", [])
    if len(protocols) == 2 and protocols[0].lower() == "bearer":
        return protocols[1]
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return query.get("token", [""])[-1]


def names_somebody(scope):
    """Tell whether a handshake brings a credential other than a page's cookie."""
    headers = dict(scope["headers"])
    return b"authorization" in headers or bool(token_of(scope, headers))


def session_of(scope, headers):
    """Return the session key of a handshake from our own pages, or an empty text."""
    if b"cookie" not in headers or not origin_is_ours(headers):
        return ""
    try:
        cookies = SimpleCookie(headers[b"cookie"].decode("latin-1"))
    except CookieError:
        return ""
    cookie = cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie.value if cookie else ""


def origin_is_ours(headers):
    """Tell whether Origin names this host or one that settings trust."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin:
        return False
    if origin in settings.CORS_ALLOWED_ORIGINS + settings.CSRF_TRUSTED_ORIGINS:
        return True
    scheme, _separator, host = origin.partition("://")
    # Without HTTPS=true there may be a proxy that speaks it and does not tell.
    schemes = ["https"] if settings.HTTPS else ["http", "https"]
    return scheme in schemes and host == headers.get(b"host", b"").decode("latin-1")
