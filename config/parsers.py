"""JSON, and nothing else, out of a request's body."""

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


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
