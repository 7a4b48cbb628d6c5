"""Files in a form, on their way to disk; bounded before they are read if possible."""

import tempfile

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser

from workspace import files, shelf

# What a form has beside its files: lines between the parts, names, a description.
FRAME_BYTES = 64 << 10


class Form(MultiPartParser):
    """A form with files; any other body is an ordinary mistake (422), no 415."""

    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):
        if not media_type.startswith("multipart/form-data"):
            raise ParseError(_("Send the file as multipart/form-data."))
        return super().parse(stream, media_type, parser_context)


class BoundedFiles(FileUploadHandler):
    """Files into nameless ones beside our data, for /tmp may be memory.

    Of one that is too large only the size goes on.
    """

    def __init__(self, expected):
        super().__init__()
        self.expected = expected
        self.files = 0
        self.limit = settings.WORKSPACE_UPLOAD_MAX_BYTES

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding):
        """Refuse a body that cannot but be too long, before it is read."""
        if content_length > self.expected * self.limit + FRAME_BYTES:
            raise shelf.TooLarge

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        self.files += 1
        if self.files > files.MOST_AT_ONCE:
            raise files.TooManyFiles
        self.file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115

    def receive_data_chunk(self, raw_data, start):
        if start + len(raw_data) <= self.limit:
            self.file.write(raw_data)

    def file_complete(self, file_size):
        return UploadedFile(self.file, self.file_name, self.content_type, file_size)
