"""Small things done to every request and answer."""

from functools import lru_cache

from corsheaders.middleware import ACCESS_CONTROL_ALLOW_HEADERS, CorsMiddleware
from django.conf import settings
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from config import errors
from config.clock import LastingZone


class OptionalSlash:
    """Find a path with or without its closing slash, without a redirect.

    A redirect would lose the body of a POST; existing clients send both spellings.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        path = request.path_info
        if not self.is_known(path):
            other = path[:-1] if path.endswith("/") else path + "/"
            if self.is_known(other):
                request.path_info = other
        return self.get_response(request)

    @staticmethod
    @lru_cache(1024)  # the same few paths again and again
    def is_known(path):
        try:
            match = resolve(path)
        except Resolver404:
            return False
        # The admin answers every path below it, the unknown ones by this view.
        return getattr(match.func, "__name__", "") != "catch_all_view"


class CrossOrigin(CorsMiddleware):
    """Lets pages of the origins that settings name send any header."""

    def add_response_headers(self, request, response):
        response = super().add_response_headers(request, response)
        asked = request.headers.get("access-control-request-headers")
        if asked and ACCESS_CONTROL_ALLOW_HEADERS in response:
            response[ACCESS_CONTROL_ALLOW_HEADERS] = asked
        return response


class ContentSecurityPolicy:
    """Send the policy of CONTENT_SECURITY_POLICY, with the exceptions made for a path.

    An answer that brings its own policy (a served upload) keeps it.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        base = settings.CONTENT_SECURITY_POLICY
        self.policy = self.join(base)
        self.exceptions = [
            (prefix, self.join(base | more))
            for prefix, more in settings.CONTENT_SECURITY_POLICY_EXCEPTIONS.items()
        ]

    def __call__(self, request):
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            response["Content-Security-Policy"] = self.policy_of(request.path)
        return response

    def policy_of(self, path):
        for prefix, policy in self.exceptions:
            if path == prefix or path.startswith(prefix + "/"):
                return policy
        return self.policy

    @staticmethod
    def join(directives):
        return "; ".join(f"{name} {value}" for name, value in directives.items())


class AdminTimes:
    """Let the admin show and take times on the wall clock of the place of business."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.admin = reverse("admin:index")

    def __call__(self, request):
        if not request.path_info.startswith(self.admin):
            return self.get_response(request)
        with timezone.override(LastingZone(settings.BUSINESS_TIMEZONE.key)):
            return self.get_response(request)


class AnswerOutages:
    """Answer 503 where a view needed the database, or Valkey, while it was away."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        outage = errors.outage(exception)
        return outage and errors.unavailable(request, outage)
