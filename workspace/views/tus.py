"""The tus protocol 1.0.0: core, creation (with upload), expiration, termination.

Written here, because no maintained library puts it on Django 5 and on a storage.
"""

import base64
import binascii
import re

from django.conf import settings
from django.urls import reverse
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import DomainError
from config.parsers import Untouched
from workspace import files, resumable
from workspace.serializers.files import DescriptionSerializer
from workspace.views.files import WRITERS

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
CONTENT = "application/offset+octet-stream"
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
METHODS = {"PATCH", "DELETE", "HEAD"}


class OtherVersion(DomainError):
    """This server speaks tus 1.0.0; send Tus-Resumable: 1.0.0."""

    status = 412
    code = "tus_version"


class OtherContent(DomainError):
    """Bytes come as application/offset+octet-stream."""

    status = 415
    code = "tus_content_type"


class BadHeader(DomainError):
    """A header of the tus protocol is missing, or not as it must be."""

    code = "tus_header"


class Tus(APIView):
    """What all requests of the protocol have in common."""

    permission_classes = WRITERS
    parser_classes = [Untouched]

    def dispatch(self, request, *args, **kwargs):
        # For clients behind something that lets only GET and POST through.
        method = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and method in METHODS:
            request.method = method
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        spoken = request.headers.get("Tus-Resumable")
        if request.method != "OPTIONS" and spoken != VERSION:
            raise OtherVersion(headers={"Tus-Version": VERSION})

    def finalize_response(self, request, response, *args, **kwargs):
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)

    @extend_schema(exclude=True)
    def options(self, request, *args, **kwargs):
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.WORKSPACE_RESUMABLE_MAX_BYTES),
        }
        return Response(status=204, headers=headers)

    def take(self, request, upload):
        """Add the body to an upload."""
        if request.content_type != CONTENT:
            raise OtherContent
        length = request.headers.get("Content-Length", "0")
        offset = number(request, "Upload-Offset") if request.method == "PATCH" else 0
        if length.isdigit() and offset + int(length) > upload.size:
            raise resumable.TooMuch
        # Straight from the wire: nothing reads the body in.
        resumable.add(upload, offset, request._request.read)


class Uploads(Tus):
    @extend_schema(
        parameters=[
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER),
            OpenApiParameter("Upload-Metadata", str, OpenApiParameter.HEADER),
        ],
        request={CONTENT: OpenApiTypes.BINARY},
        responses={201: None},
    )
    def post(self, request):
        said = metadata(request.headers.get("Upload-Metadata", ""))
        description = DescriptionSerializer(
            data={"description": said.get("description", "")}
        )
        description.is_valid(raise_exception=True)
        upload = resumable.begin(
            owner=request.user,
            name=said.get("filename") or said.get("name") or "",
            size=number(request, "Upload-Length"),
            **description.validated_data,
        )
        if request.content_type == CONTENT:
            self.take(request, upload)
        elif upload.is_complete:  # nothing was announced, so all is here
            resumable.finish(upload)
        location = reverse("workspace:resumable", args=[upload.pk])
        return Response(status=201, headers={"Location": location, **state_of(upload)})


@extend_schema(parameters=[OpenApiParameter("id", OpenApiTypes.UUID, "path")])
class OneUpload(Tus):
    @extend_schema(responses={200: None})
    def head(self, request, id):
        upload = resumable.find(request.user, id)
        if upload.is_complete:
            resumable.finish(upload)  # when the server was killed before it could
        length = {"Upload-Length": str(upload.size)}
        return Response(status=200, headers={**length, **state_of(upload)})

    @extend_schema(
        parameters=[OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER)],
        request={CONTENT: OpenApiTypes.BINARY},
        responses={204: None},
    )
    def patch(self, request, id):
        upload = resumable.find(request.user, id)
        self.take(request, upload)
        return Response(status=204, headers=state_of(upload))

    @extend_schema(responses={204: None})
    def delete(self, request, id):
        resumable.drop(resumable.find(request.user, id))
        return Response(status=204)


def state_of(upload):
    """Return the headers that tell how far an upload is, and the file it became."""
    expires = upload.touched_at + files.ABANDONED_AFTER
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": http_date(expires.timestamp()),
    }
    if upload.upload is not None:
        mount = reverse("workspace:home")
        headers["Content-Location"] = f"{mount}{upload.upload.path}"
    return headers


def number(request, name):
    """Return a header's whole number; raise BadHeader."""
    text = request.headers.get(name, "")
    if not NUMBER.fullmatch(text):
        raise BadHeader
    return int(text)


def metadata(text):
    """Return what Upload-Metadata says: names, each with a text in base64."""
    said = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        name, _space, value = pair.partition(" ")
        try:
            said[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadHeader from error
    return said
