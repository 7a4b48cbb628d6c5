"""Parts of a file over HTTP (RFC 9110): what of it a request asks for."""

import re

from django.utils.http import parse_http_date_safe

RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)", re.ASCII)
SENT = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.ASCII)


def part_of(request, *, etag, modified, size):
    """Return (status, start, stop) of what is asked for.

    The status is 200 for the whole, 206 for a part, 416 for a part that is not there.
    """
    asked = _asked(request, etag, modified)
    if asked is None:
        return 200, 0, size
    start, stop = _bounds(asked, size)
    return (206 if start < stop else 416), start, stop


def told(status, start, stop, size):
    """Return the headers that tell which part an answer is."""
    if status == 416:
        return {"Content-Range": f"bytes */{size}"}
    headers = {"Content-Length": str(stop - start)}
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return headers


def rest_from(header, size):
    """Return where a body of that size, the rest of a file, begins by its
    Content-Range; None where it is none."""
    matched = SENT.fullmatch(header.strip())
    if matched is None:
        return None
    start, last, total = map(int, matched.groups())
    is_rest = start <= last == total - 1 and total - start == size
    return start if is_rest else None


def _asked(request, etag, modified):
    """Return (first, last) as asked for, each a text; None for the whole.

    What is no single range of bytes may be ignored, and so is one for another state
    of the file.
    """
    matched = RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if request.method != "GET" or matched is None or matched.groups() == ("", ""):
        return None
    condition = request.headers.get("If-Range")
    if condition not in (None, etag) and parse_http_date_safe(condition) != modified:
        return None
    first, last = matched.groups()
    if first and last and int(first[:19]) > int(last[:19]):
        return None
    return first, last


def _bounds(asked, size):
    """Return (start, stop) within a file; nothing between them for nothing."""
    first, last = asked
    if not first:
        return max(0, size - int(last[:19])), size
    return int(first[:19]), min(size, int(last[:19]) + 1 if last else size)
