"""The picture inside an upload: read within its limit, known by its first bytes.

A parser of our own, because Django's writes uploads of any length to the disk before a
view may look at them. Here nothing beyond the limit is read, and other parts are only
passed over.
"""

from dataclasses import dataclass

from django.conf import settings
from django.http import multipartparser as multipart
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _

from config.errors import DomainError, Invalid, problem

OVERHEAD_BYTES = 1 << 16  # boundaries, headers and other parts beside the picture
PIECE_BYTES = 1 << 16
FALLBACK_NAME, FALLBACK_TYPE = "upload.jpg", "image/jpeg"


class EmptyPicture(DomainError):
    """The picture is empty."""

    code = "empty_picture"


class PictureTooLarge(DomainError):
    """The picture is too large."""

    status = 413
    code = "picture_too_large"


class NotAPicture(DomainError):
    """This is no picture; JPEG, PNG, WebP, GIF and BMP are."""

    status = 415
    code = "not_a_picture"


@dataclass(frozen=True)
class Picture:
    name: str
    content_type: str
    data: bytes


def picture_in(meta):
    """Return the picture in a request's part `image`, given its WSGI environment."""
    limit = settings.PLATE_IMAGE_MAX_BYTES
    length = meta.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > limit + OVERHEAD_BYTES:
        raise PictureTooLarge
    # What has no length is chunked, and the server ends the stream itself.
    most = int(length) if length.isdigit() else limit + OVERHEAD_BYTES + 1
    body = Measured(meta["wsgi.input"], most, limit + OVERHEAD_BYTES)
    parts = multipart.Parser(
        multipart.LazyStream(multipart.ChunkIter(body, PIECE_BYTES)), boundary_of(meta)
    )
    try:
        for _kind, headers, stream in parts:
            _value, options = headers.get("content-disposition", ("", {}))
            if options.get("name") == b"image" and "filename" in options:
                picture = Picture(
                    name=name_of(options["filename"]),
                    content_type=headers.get("content-type", ("",))[0].strip(),
                    data=_read(stream, limit),
                )
                return checked(picture)
            multipart.exhaust(stream)
    except (multipart.MultiPartParserError, OSError) as error:
        raise missing() from error  # garbled, or the client left in the middle
    raise missing()


def missing():
    return Invalid(problem(["body", "image"], _("A picture is missing."), "missing"))


def boundary_of(meta):
    kind, options = parse_header_parameters(meta.get("CONTENT_TYPE") or "")
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 0 < len(boundary) <= 200:
        raise missing()
    try:
        return boundary.encode("ascii")
    except UnicodeEncodeError as error:
        raise missing() from error


def name_of(filename):
    """Return the file's name without the folders that some browsers send along."""
    name = filename.decode(errors="replace").replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(letter for letter in name if letter.isprintable())
    return name or FALLBACK_NAME


def checked(picture):
    if not picture.data:
        raise EmptyPicture
    if not looks_like_picture(picture.data):
        raise NotAPicture
    return picture


def looks_like_picture(data):
    """Tell whether the first bytes are those of JPEG, PNG, WebP, GIF or BMP."""
    if data.startswith(b"RIFF"):
        return data[8:12] == b"WEBP"
    return data.startswith(
        (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM")
    )


def _read(stream, limit):
    data = bytearray()
    for piece in stream:
        data += piece
        if len(data) > limit:
            raise PictureTooLarge
    return bytes(data)


class Measured:
    """A body that is read up to its length, and never beyond the limit."""

    def __init__(self, stream, length, limit):
        self.stream, self.left, self.room = stream, length, limit

    def read(self, size):
        piece = self.stream.read(min(size, self.left))
        self.left -= len(piece)
        self.room -= len(piece)
        if self.room < 0:
            raise PictureTooLarge
        return piece
