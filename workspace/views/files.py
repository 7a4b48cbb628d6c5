"""Shared files: upload in a form, list, delete, and the bytes themselves."""

from urllib.parse import quote

from django.http import FileResponse, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from config import pagination, ranges
from config.copies import KeepsCopy
from config.errors import DomainError, Invalid, problem
from workspace import filenames, files
from workspace.models import Folder
from workspace.serializers.files import (
    AcceptedSerializer,
    DescriptionSerializer,
    UploadSerializer,
)
from workspace.views.multipart import BoundedFiles, Form


class MayWrite(BasePermission):
    """Viewers only look."""

    def has_permission(self, request, view):
        files.check_may_write(request.user)
        return True


WRITERS = [*APIView.permission_classes, MayWrite]
DESCRIPTION = OpenApiParameter("description", str)
FILENAME = OpenApiParameter("filename", str, OpenApiParameter.PATH)
FOLDER = OpenApiParameter("folder", enum=Folder.values, location="path")
BYTES = {"type": "string", "format": "binary"}


def form_of(field, part):
    """Return the documentation of a form with files."""
    properties = {field: part, "description": {"type": "string", "maxLength": 500}}
    return {"multipart/form-data": {"type": "object", "properties": properties}}


class Uploading(APIView):
    """Takes a form with files out of a request that may be large."""

    permission_classes = WRITERS
    parser_classes = [Form]
    field = "file"
    expected = 1

    def initialize_request(self, request, *args, **kwargs):
        # Before anybody looks into the form: the check against forgery does.
        request.upload_handlers = [BoundedFiles(self.expected)]
        return super().initialize_request(request, *args, **kwargs)

    def parts(self, request):
        """Return the form's files and the description; raise Invalid."""
        parts = request.FILES.getlist(self.field)
        if not parts:
            self.refuse("missing", _("It is required."))
        if len(parts) > self.expected:
            self.refuse("too_long", _("Send one file."))
        said = request.query_params.get("description", request.data.get("description"))
        serializer = DescriptionSerializer(
            data={} if said is None else {"description": said}
        )
        serializer.is_valid(raise_exception=True)
        return parts, serializer.validated_data["description"]

    def refuse(self, kind, text):
        raise Invalid(problem(["body", self.field], text, kind))

    def accept(self, request, part, description):
        upload = files.accept(
            owner=request.user, content=part, name=part.name, description=description
        )
        return AcceptedSerializer(upload).data


class OneFile(Uploading):
    @extend_schema(
        parameters=[DESCRIPTION],
        request=form_of("file", BYTES),
        responses=AcceptedSerializer,
    )
    def post(self, request):
        [part], description = self.parts(request)
        return Response(self.accept(request, part, description))


class ManyFiles(Uploading):
    """Each part on its own: one that fails does not fail the others."""

    field = "files"
    expected = files.MOST_AT_ONCE

    @extend_schema(
        parameters=[DESCRIPTION],
        request=form_of("files", {"type": "array", "items": BYTES}),
        responses=OpenApiTypes.OBJECT,
    )
    def post(self, request):
        parts, description = self.parts(request)
        answers, errors = [], []
        for part in parts:
            try:
                answers.append(self.accept(request, part, description))
            except DomainError as error:
                errors.append(error)
                answers.append(
                    {"filename": part.name, "detail": error.text, "status": "failed"}
                )
        if len(errors) == len(parts):
            raise errors[0]
        stored = len(parts) - len(errors)
        message = _("{stored} of {sent} files uploaded.")
        message = message.format(stored=stored, sent=len(parts))
        return Response({"files": answers, "message": message})


class Files(KeepsCopy, APIView):
    copies_of = "files"

    @extend_schema(
        operation_id="workspace_files_list",
        parameters=pagination.skip_and_limit(pagination.MOST),
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request):
        found = pagination.part(request, files.listed(), pagination.MOST)
        return Response({"files": UploadSerializer(found, many=True).data})


class File(APIView):
    permission_classes = WRITERS

    @extend_schema(parameters=[FILENAME], responses=OpenApiTypes.OBJECT)
    def delete(self, request, filename):
        files.remove(files.find(filename), by=request.user)
        return Response({"detail": _("Deleted.")})


# The bytes


class Bytes(APIView):
    @extend_schema(
        parameters=[FOLDER, FILENAME], responses={(200, "*/*"): OpenApiTypes.BINARY}
    )
    def get(self, request, folder, filename):
        upload = files.find(filename, folder=folder)
        etag = f'"{upload.filename[:36]}"'  # the bytes never change
        modified = int(upload.uploaded_at.timestamp())
        response = get_conditional_response(request, etag, modified)
        if response is None or response.status_code == 200:
            response = content(request, upload, etag, modified)
        for name, value in guarded(upload).items():
            response[name] = value
        response["ETag"] = etag
        response["Last-Modified"] = http_date(modified)
        return response


def guarded(upload):
    """Return headers that keep a file of somebody's from acting as a page of ours."""
    is_shown = upload.content_type in filenames.SHOWN
    disposition = "inline" if is_shown else "attachment"
    name = quote(upload.original_filename, safe="")
    return {
        "Content-Type": upload.content_type if is_shown else filenames.UNKNOWN_TYPE,
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private",
        "Accept-Ranges": "bytes",
    }


def content(request, upload, etag, modified):
    """Answer a file, or the range of it that is asked for."""
    status, start, stop = ranges.part_of(
        request, etag=etag, modified=modified, size=upload.size
    )
    headers = ranges.told(status, start, stop, upload.size)
    if status == 416:
        return HttpResponse(status=416, headers=headers)
    file = files.opened(upload, start, stop - start)
    return FileResponse(
        file, status=status, headers=headers, content_type=filenames.UNKNOWN_TYPE
    )
