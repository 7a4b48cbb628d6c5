"""JSON, or nothing at all, out of a request's body; JSON into its answer."""

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser


class JSON(JSONParser):
    """Reads JSON whatever Content-Type says; existing clients name it wrongly or not.

    What is no JSON is a ParseError (422), so no body ends as 415 or, nested beyond
    Python's patience, as 500.
    """

    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The body is nested too deeply.")) from error


class Untouched(BaseParser):
    """Leaves a body unread, whatever it is; the check against forgery asks for it."""

    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):
        return {}


class AnyAccept(DefaultContentNegotiation):
    """Answers in the first form there is when Accept names none of ours.

    A client that asks for GeoJSON or a picture is not helped by a 406.
    """

    def select_renderer(self, request, renderers, format_suffix=None):
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type
