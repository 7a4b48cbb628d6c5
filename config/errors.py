"""DomainError and its kin; how an error looks in an HTTP answer.

Below an app every answer from 400 on is JSON, `{"detail": text, "code": text}`. Failed
validation is 422 with `detail` a list of `{"loc", "msg", "type"}`, the form that the
existing clients read. Outside the apps a browser gets a page.
"""

import logging
import re
import sys

import redis
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpResponse, JsonResponse, UnreadablePostError
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from config import outages

log = logging.getLogger(__name__)

IN_JSON = re.compile(rf"^/({'|'.join(settings.APPS)}|api)(/|$)")


class DomainError(Exception):
    """The request cannot be met."""

    status = 400
    code = "invalid_request"

    def __init__(self, text=None, *, code=None, headers=None):
        self.text = text or _(self.__doc__.strip().split("\n")[0])
        self.code = code or self.code
        self.headers = headers or {}
        super().__init__(self.text)


class Unauthorized(DomainError):
    """Sign in first."""

    status = 401
    code = "not_authenticated"

    def __init__(self, text=None, *, code=None):
        super().__init__(text, code=code, headers={"WWW-Authenticate": "Bearer"})


class NotFound(DomainError):
    """There is no such thing."""

    status = 404
    code = "not_found"


class Forbidden(DomainError):
    """You are not allowed to do this."""

    status = 403
    code = "permission_denied"


class Conflict(DomainError):
    """This contradicts what is already there."""

    status = 409
    code = "conflict"


class TooMany(DomainError):
    """Too many attempts; please wait."""

    status = 429
    code = "too_many_requests"

    def __init__(self, text=None, *, retry_after):
        super().__init__(text, headers={"Retry-After": str(max(1, round(retry_after)))})


class TooLarge(DomainError):
    """The body of the request is too large."""

    status = 413
    code = "too_large"


class Unavailable(DomainError):
    """A part of the system is away; please try again soon."""

    status = 503
    code = "unavailable"


class DatabaseUnavailable(Unavailable):
    """The database is away; please try again in a few seconds."""

    code = "database_unavailable"

    def __init__(self):
        super().__init__(headers={"Retry-After": "5"})


class ValkeyUnavailable(Unavailable):
    """The message store is away; please try again in a few seconds."""

    def __init__(self):
        super().__init__(headers={"Retry-After": "5"})


class Broken(DomainError):
    """Something broke; it has been logged."""

    status = 500
    code = "internal_error"


class Invalid(DomainError):
    """The values given do not fit."""

    status = 422
    code = "invalid"

    def __init__(self, *problems):
        """Take problems as made by `problem()`."""
        super().__init__()
        self.problems = list(problems)


def problem(loc, msg, type="value_error", value=None):
    """Return one entry of a 422 answer; loc is the path to the value as a list."""
    return {"loc": list(loc), "msg": str(msg), "type": type, "input": value}


def path_id(value, name="id", positive=True):
    """Return the positive integer in a path's segment, or any; raise Invalid, or
    NotFound past what a database key can be."""
    if not re.fullmatch(r"[+-]?[0-9]+", value, re.ASCII):
        raise Invalid(
            problem(["path", name], _("Not an integer."), "int_parsing", value)
        )
    # Longer digits than this are no key, and int() would refuse thousands of them.
    if len(value) > 20:
        raise NotFound
    number = int(value)
    if positive and number < 1:
        raise Invalid(
            problem(
                ["path", name], _("Must be at least 1."), "greater_than_equal", value
            )
        )
    if number >= 2**63:
        raise NotFound
    return number


class Interrupted(DomainError):
    """The request broke off."""

    code = "interrupted"


def answer(error, context):
    """Turn an exception in a REST view into its answer (EXCEPTION_HANDLER)."""
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, UnreadablePostError):  # its sender left, and reads no answer
        error = Interrupted()
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, PermissionDenied):
        error = Forbidden()
    if isinstance(error, Invalid):
        set_rollback()
        return Response({"detail": error.problems, "code": error.code}, error.status)
    if isinstance(error, DomainError):
        set_rollback()
        return Response(
            {"detail": error.text, "code": error.code},
            error.status,
            headers=error.headers,
        )
    if isinstance(error, exceptions.ValidationError):
        set_rollback()
        problems = list(_problems(error.get_full_details(), ["body"]))
        return Response({"detail": problems, "code": "invalid"}, 422)
    if isinstance(error, exceptions.ParseError):
        set_rollback()
        problems = [problem(["body"], error.detail, "json_invalid")]
        return Response({"detail": problems, "code": "parse_error"}, 422)
    if isinstance(error, exceptions.APIException):
        set_rollback()
        headers = {}
        if getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = error.auth_header
        if getattr(error, "wait", None):
            headers["Retry-After"] = str(max(1, round(error.wait)))
        return Response(
            {"detail": str(error.detail), "code": error.get_codes()},
            error.status_code,
            headers=headers,
        )
    return None  # an error of programming: it surfaces, and is logged as such


def outage(error):
    """Return what to say when this exception means that a part is away, else None."""
    if isinstance(error, DatabaseUnavailable) or outages.noticed(error):
        return DatabaseUnavailable()
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        log.error("Valkey is away: %s", error)
        return ValkeyUnavailable()
    return None


def as_json(error):
    """Turn a DomainError of a view outside the REST framework into its answer."""
    detail = error.problems if isinstance(error, Invalid) else error.text
    body = {"detail": detail, "code": error.code}
    return JsonResponse(body, status=error.status, headers=error.headers)


TYPES = {"required": "missing", "null": "missing"}


def _problems(details, loc):
    """Flatten DRF's nested details into entries with a path."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        kind = TYPES.get(details["code"], details["code"])
        yield problem(loc, details["message"], kind)
    elif isinstance(details, dict):
        for key, inner in details.items():
            here = loc if key == "non_field_errors" else [*loc, key]
            yield from _problems(inner, here)
    else:
        for index, inner in enumerate(details):
            nested = isinstance(inner, dict) and set(inner) != {"message", "code"}
            yield from _problems(inner, [*loc, index] if nested else loc)


def _json(status, code, text):
    return JsonResponse({"detail": text, "code": code}, status=status)


def bad_request(request, exception):
    if isinstance(exception, RequestDataTooBig):
        return as_json(TooLarge())
    if IN_JSON.match(request.path):
        return _json(400, "bad_request", _("The request cannot be understood."))
    return defaults.bad_request(request, exception)


def permission_denied(request, exception=None):
    if IN_JSON.match(request.path):
        return _json(403, "permission_denied", _("You are not allowed to do this."))
    return defaults.permission_denied(request, exception)


def csrf_failure(request, reason=""):
    text = _("The page is too old or from elsewhere; load it again. ({reason})")
    if IN_JSON.match(request.path):
        return _json(403, "csrf_failed", text.format(reason=reason))
    return defaults.permission_denied(request, PermissionDenied(reason))


def page_not_found(request, exception):
    if IN_JSON.match(request.path):
        return _json(404, "not_found", _("There is nothing at this address."))
    return defaults.page_not_found(request, exception)


def server_error(request):
    if error := outage(sys.exc_info()[1]):  # in middleware: views are seen to there
        return unavailable(request, error)
    if IN_JSON.match(request.path):
        return as_json(Broken())
    return defaults.server_error(request)


def unavailable(request, error):
    """Return the 503 of an outage: a page for who reads pages, else JSON."""
    if "text/html" in request.headers.get("Accept", ""):
        page = render_to_string("503.html")
        response = HttpResponse(page, status=error.status, headers=error.headers)
    else:
        response = as_json(error)
    response._has_been_logged = True  # the outage is, once
    return response
