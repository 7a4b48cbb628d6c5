"""Request bodies: JSON of a modest size."""

import json

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError

from config.errors import TooLarge
from config.parsers import JSON

BODY_BYTES = 64 * 1024


class SmallJSON(JSON):
    """JSON of at most BODY_BYTES."""

    def parse(self, stream, media_type=None, parser_context=None):
        body = stream.read(BODY_BYTES + 1)
        if len(body) > BODY_BYTES:
            raise TooLarge(_("The body may have at most 64 KiB."))
        try:
            return json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is no JSON that can be read.")) from error


def _refuse(constant):
    raise ValueError(constant)  # NaN and Infinity are Python's, not JSON's
