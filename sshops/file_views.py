"""Files of one server over HTTP: its folders, and bytes to and from who asks.

What is asked of the server takes as long as it takes: `config.asgi` has these paths
served by the threads that may wait.
"""

import re
from urllib.parse import quote

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import http_date
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from config import ranges
from config.errors import Interrupted, Invalid, problem
from config.pagination import number_in_query
from config.parsers import Untouched
from sshops import fields, remote_files, uploads
from sshops.answers import View
from sshops.commands import Caller
from sshops.errors import NoSuchPart
from sshops.server_views import NAME
from sshops.transfer_views import USE_TRANSFER

LONGEST_PATH = 4096
PIECE_BYTES = 1 << 18
BYTES = "application/octet-stream"
PATH = OpenApiParameter("path", str, required=True)
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
UPLOAD = OpenApiParameter(
    "upload", str, description="A key of yours, under which an upload goes on."
)
RANGE = OpenApiParameter(
    "Content-Range",
    str,
    OpenApiParameter.HEADER,
    description="`bytes START-END/TOTAL`: the body is the file from START to its end.",
)
THERE = OpenApiParameter(
    "there", int, description="The bytes of the upload that must be there by now."
)
SETTLED = OpenApiParameter(
    "settled", bool, description="Refuse to answer (409) while it is under way."
)
RATE = OpenApiParameter(
    "rate_limit", int, description="Bytes a second; as fast as it goes unless given."
)


class EntrySerializer(serializers.Serializer):
    name = serializers.CharField()
    kind = serializers.SerializerMethodField()
    size = serializers.IntegerField()
    modified_at = fields.Seconds()

    def get_kind(self, entry) -> str:
        if not entry.is_readable:
            return "other"
        return "folder" if entry.is_folder else "file" if entry.is_file else "other"


class FolderSerializer(serializers.Serializer):
    path = serializers.CharField()
    items = EntrySerializer(many=True)
    has_more = serializers.BooleanField()


class KeptSerializer(serializers.Serializer):
    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class ArrivedSerializer(serializers.Serializer):
    size = serializers.IntegerField()


class OfServer(View):
    right = USE_TRANSFER
    parser_classes = [Untouched]

    def asked(self, request, name):
        """Return who asks, for which server, for which path; raise Invalid."""
        caller = Caller(request.user, "", request.META.get("REMOTE_ADDR", ""))
        path = request.query_params.get("path", "")
        if not path:
            refuse("path", _("It is required."), "missing")
        if "\0" in path or len(path) > LONGEST_PATH:
            refuse("path", _("This is no path."))
        return caller, name, path


def refuse(name, text, kind="value_error"):
    raise Invalid(problem(["query", name], text, kind))


def rate_of(request):
    """Return the bytes a second that are asked for, or None; raise Invalid."""
    rate = number_in_query(request, "rate_limit")
    if rate == 0:
        refuse("rate_limit", _("Must be at least 1."), "range")
    return rate


def upload_of(request):
    """Return the key of an upload, or None; raise Invalid."""
    key = request.query_params.get("upload")
    if key is not None and not KEY.fullmatch(key):
        refuse("upload", _("8 to 64 letters, digits, - and _ make a key."))
    return key


def start_of(request, size, key):
    """Return where in its file a body of that size begins; raise Invalid."""
    header = request.headers.get("Content-Range")
    if header is None:
        return 0
    if key is None:
        text = _("Only an upload with a key goes on.")
    elif (start := ranges.rest_from(header, size)) is not None:
        return start
    else:
        text = _("This is not the rest of a file: bytes START-END/TOTAL.")
    raise Invalid(problem(["header", "Content-Range"], text))


@extend_schema(parameters=[NAME, PATH])
class Folder(OfServer):
    @extend_schema(responses=FolderSerializer)
    def get(self, request, name):
        """List a folder: folders first, by name; links as what they lead to."""
        path, items, has_more = remote_files.listed(*self.asked(request, name))
        found = {"path": path, "items": items, "has_more": has_more}
        return Response(FolderSerializer(found).data)


@extend_schema(parameters=[NAME, PATH, RATE])
class File(OfServer):
    @extend_schema(responses={(200, BYTES): OpenApiTypes.BINARY})
    def get(self, request, name):
        """Answer a file as it is sent by the server, or a range of it."""
        file = remote_files.fetch(*self.asked(request, name), rate=rate_of(request))
        etag = f'"{file.modified_at:x}-{file.size:x}"'
        status, file.start, file.stop = ranges.part_of(
            request, etag=etag, modified=file.modified_at, size=file.size
        )
        if status == 416:
            file.close("complete")
            raise NoSuchPart(ranges.told(status, file.start, file.stop, file.size))
        name = quote(file.name, safe="")
        headers = {
            **ranges.told(status, file.start, file.stop, file.size),
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-store",
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Type": BYTES,
            "ETag": etag,
            "Last-Modified": http_date(file.modified_at),
            "X-Content-Type-Options": "nosniff",
        }
        if request.method == "HEAD":
            file.close("complete")
            return HttpResponse(status=status, headers=headers)
        return StreamingHttpResponse(file, status=status, headers=headers)

    @extend_schema(
        parameters=[UPLOAD, RANGE, THERE],
        request={BYTES: OpenApiTypes.BINARY},
        responses={200: KeptSerializer, 201: KeptSerializer},
    )
    def put(self, request, name):
        """Make the body a file on the server, whole or not at all."""
        asked = self.asked(request, name)
        key, rate = upload_of(request), rate_of(request)
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        start = start_of(request, size, key)
        sha256, is_new = uploads.keep(
            *(*asked, pieces_of(request)),
            size=size,
            rate=rate,
            key=key,
            start=start,
            there=number_in_query(request, "there"),
        )
        kept = {"path": asked[2], "size": start + size, "sha256": sha256}
        return Response(KeptSerializer(kept).data, 201 if is_new else 200)


@extend_schema(parameters=[NAME, PATH, UPLOAD])
class Uploads(OfServer):
    def asked(self, request, name):
        key = upload_of(request)
        if key is None:
            refuse("upload", _("It is required."), "missing")
        return *super().asked(request, name), key

    @extend_schema(parameters=[SETTLED], responses=ArrivedSerializer)
    def get(self, request, name):
        """Tell how much is there of an upload that broke off."""
        size = uploads.arrived(
            *self.asked(request, name),
            is_settled=request.query_params.get("settled") == "true",
        )
        return Response(ArrivedSerializer({"size": size}).data)

    @extend_schema(responses={204: None})
    def delete(self, request, name):
        """Remove what is there of an upload."""
        uploads.drop(*self.asked(request, name))
        return Response(status=204)


def pieces_of(request):
    """Yield the body as it comes; raise Interrupted."""
    while True:
        try:
            # Straight from the wire: nothing reads the body in.
            piece = request._request.read(PIECE_BYTES)
        except OSError as error:
            raise Interrupted from error
        if not piece:
            return
        yield piece
