"""A map's surface as an HTTP answer: unchanged, in part, or packed."""

import gzip
import hashlib
import re
from functools import lru_cache

from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date, quote_etag

from config.errors import DomainError
from roadblock import surfaces

PACK_FROM_BYTES = 1000
NO_GZIP = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})$")


class BeyondTheEnd(DomainError):
    """The request cannot be met."""

    status = 416
    code = "range_not_satisfiable"


@lru_cache(maxsize=16)
def _surface(folder, modified):
    """Return the surface, packed also, and its ETag; new when the folder changes."""
    plain = surfaces.surface(folder)
    return plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:32]


def answer(request, folder):
    """Answer with the surface of a map's folder, by the request's conditions."""
    modified = int(folder.stat().st_mtime)
    plain, packed, digest = _surface(folder, modified)
    etag = quote_etag(digest)
    response = get_conditional_response(request, etag, modified)
    if response is None:
        response = _body(request, plain, packed, etag)
    response["ETag"] = etag
    response["Last-Modified"] = http_date(modified)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _body(request, plain, packed, etag):
    wanted = RANGE.match(request.headers.get("Range", ""))
    is_same = request.headers.get("If-Range", etag) == etag
    if wanted and any(wanted.groups()) and is_same:
        return _part(plain, *wanted.groups())
    accepts = request.headers.get("Accept-Encoding", "")
    unpacks = "gzip" in accepts and not NO_GZIP.search(accepts)
    if unpacks and len(plain) > PACK_FROM_BYTES:
        response = HttpResponse(packed, content_type="application/json")
        response["Content-Encoding"] = "gzip"
        return response
    return HttpResponse(plain, content_type="application/json")


def _part(plain, first, last):
    """Return bytes first to last, or the last ones when first is not given."""
    size = len(plain)
    if first:
        start, end = int(first), min(int(last or size), size - 1)
    else:
        start, end = max(0, size - int(last)), size - 1
    if start > end:
        raise BeyondTheEnd(headers={"Content-Range": f"bytes */{size}"})
    response = HttpResponse(
        plain[start : end + 1], status=206, content_type="application/json"
    )
    response["Content-Range"] = f"bytes {start}-{end}/{size}"
    return response
