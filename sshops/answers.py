"""The base of this app's REST views: JSON in, and errors in the form its clients read.

{"success": false, "error": {"code": 12000, "message": "…"}, "path": "/sshops/…"}
"""

import logging

from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from config import errors
from config.parsers import JSON
from sshops.errors import Failure, NotFound

log = logging.getLogger(__name__)

# Of what has no number of its own.
CODES = {
    401: 11000,
    403: 11001,
    404: 13000,
    405: 14000,
    409: 13001,
    422: 12000,
    429: 14001,
    503: 10001,
}


class HasRight(BasePermission):
    """Asks for the permission that the view names, for all methods or for each."""

    def has_permission(self, request, view):
        right = view.right
        if isinstance(right, dict):
            right = right.get(request.method)
        return right is None or request.user.has_perm(right)


class View(APIView):
    """A view of a signed-in user who has `right`: a permission's name, or {method:
    name}; where it is None, what the view does decides."""

    parser_classes = [JSON]
    permission_classes = [IsAuthenticated, HasRight]
    right = None

    def get_exception_handler(self):
        return answer


def answer(error, context):
    """Turn any exception in a view into its answer."""
    request = context["request"]
    response = errors.answer(error, context)
    if response is None:
        log.error("%s %s broke", request.method, request.path, exc_info=error)
        set_rollback()
        response = Response({"detail": Failure().text}, 500)
    response.data = body_of(error, response, request.path)
    return response


def body_of(error, response, path):
    code = getattr(error, "error_code", None) or CODES.get(response.status_code, 10000)
    detail = response.data["detail"]
    about = {"code": code, "message": detail}
    if isinstance(detail, list):
        about["message"] = errors.Invalid().text
        about["validation_errors"] = [
            {key: entry[key] for key in ("type", "loc", "msg")} for entry in detail
        ]
    elif getattr(error, "detail", None) and isinstance(error, Failure):
        about["detail"] = error.detail
    about |= getattr(error, "fields", {})
    return {"success": False, "error": about, "path": path}


class Unknown(View):
    """Answers every path that nobody serves, in the form of this app."""

    authentication_classes = []
    permission_classes = []
    schema = None

    def initial(self, request, *args, **kwargs):
        raise NotFound


def catch_all_view(request, path):
    """By this name config.middleware knows that the path is not served."""
    return Unknown.as_view()(request)


catch_all_view.csrf_exempt = True
