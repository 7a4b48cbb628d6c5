"""Requests whose Content-Type nobody can read: they are requests all the same."""

from functools import lru_cache

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters

EVERY_BYTE = bytes(range(256))


@lru_cache(256)
def is_readable(content_type):
    """Tell whether it can be parsed, and names an encoding of texts if any."""
    try:
        _kind, parameters = parse_header_parameters(content_type)
        EVERY_BYTE.decode(parameters.get("charset", "utf-8"), "replace")
    except (LookupError, ValueError):
        return False
    return True


class ReadableType:
    """Drops a Content-Type over which Django and the REST framework would break, some
    of them before there is anybody to answer an error."""

    def _set_content_type_params(self, meta):
        if not is_readable(meta.get("CONTENT_TYPE", "")):
            meta["CONTENT_TYPE"] = ""
        super()._set_content_type_params(meta)


class PageRequest(ReadableType, WSGIRequest):
    pass


class StreamRequest(ReadableType, ASGIRequest):
    pass
