"""Who calls: guest, user or staff; what a guest may ask for in a minute.

Guests are welcome, so a credential that does not hold must be refused, not ignored. The
web front end logs in but never sends its token, and knows no CSRF token: its session
cookie counts for a change when the request comes from a page of ours.
"""

from django.conf import settings
from django.contrib import auth
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from charging.bodies import SmallJSON
from config.auth import TokenAuthentication, origin_is_ours
from config.errors import Forbidden, Unauthorized
from config.schema import TokenScheme
from config.throttling import Rate, UserRate


class ForeignOrigin(Forbidden):
    """This request does not come from one of our pages."""

    code = "foreign_origin"


class WrongCredentials(Unauthorized):
    """E-mail or password is wrong."""

    code = "wrong_credentials"


class NotStaff(Forbidden):
    """This is for staff only."""

    code = "not_staff"


class CallerAuthentication(BaseAuthentication):
    """A token, else the session cookie; any other scheme is refused."""

    def authenticate(self, request):
        header = get_authorization_header(request)
        if header:
            signed_in = TokenAuthentication().authenticate(request)
            if signed_in is None:
                raise AuthenticationFailed(_("Sign in with a bearer token."))
            return signed_in
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        user = request._request.user
        if not user.is_authenticated or not user.is_active:
            return None
        if request.method not in SAFE_METHODS and not is_from_our_page(request):
            raise ForeignOrigin
        return user, None

    def authenticate_header(self, request):
        return "Bearer"


def is_from_our_page(request):
    """Tell whether a page of this origin, or one of CORS_ORIGINS, made the request."""
    origin = request.headers.get("Origin")
    if origin:
        return origin_is_ours(
            {b"origin": origin.encode(), b"host": request.get_host().encode()}
        )
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


class CallerScheme(TokenScheme):
    target_class = "charging.callers.CallerAuthentication"
    name = "caller"


class IsStaff(BasePermission):
    """Staff only; a guest is asked to sign in."""

    def has_permission(self, request, view):
        if request.user.is_authenticated and not request.user.is_staff:
            raise NotStaff
        return request.user.is_authenticated


class AlwaysJSON(BaseContentNegotiation):
    """Takes JSON and gives JSON, whatever a client says of it."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class ChargingView(APIView):
    """A view that guests may use, at `guest_rate`: the last word of its setting; None
    is no limit."""

    authentication_classes = [CallerAuthentication]
    permission_classes = [AllowAny]
    parser_classes = [SmallJSON]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJSON
    guest_rate = "READ"

    def finalize_response(self, request, response, *args, **kwargs):
        # A refusal is an answer like any other: nothing for the log.
        response._has_been_logged = response.status_code < 500
        return super().finalize_response(request, response, *args, **kwargs)

    def check_throttles(self, request):
        if self.guest_rate is None:
            return
        if not request.user.is_authenticated:
            rate_of(self.guest_rate).take(address_of(request))
        elif not request.user.is_staff:
            UserRate().allow_request(request, self)


class StaffView(ChargingView):
    """A view for staff alone."""

    permission_classes = [IsStaff]


def rate_of(name):
    """Return what a guest may do: CREATE, READ, MATCH or RECOGNITION."""
    limit, seconds = getattr(settings, f"CHARGING_GUEST_{name}_RATE")
    return Rate(f"charging-{name.lower()}", limit, seconds)


def address_of(request):
    """Return the client's address; what a trusted proxy told is in it already."""
    return request.META.get("REMOTE_ADDR", "")


def log_in(request, *, email, password, staff_only):
    """Return the account of this pair and start a session for a page of ours.

    Raise WrongCredentials, also for an account that is not staff where that is needed;
    raise TooMany after CHARGING_LOGIN_FAILURE_RATE failures from one address.
    """
    failures = Rate("charging-logins", *settings.CHARGING_LOGIN_FAILURE_RATE)
    failures.check(address_of(request))
    user = auth.authenticate(request._request, username=email, password=password)
    if user is None or (staff_only and not user.is_staff):
        failures.take(address_of(request))
        raise WrongCredentials
    # A program has no use for the cookie; a foreign page must not log its visitor in.
    if "Origin" not in request.headers or is_from_our_page(request):
        auth.login(request._request, user)
    return user
