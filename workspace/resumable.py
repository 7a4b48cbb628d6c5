"""Files that come in pieces and survive a broken line (the tus protocol's rules).

Each piece is stored and noted before the next is read. Of two requests that both go on
at one offset, as when a client comes back before its dead connection is noticed, the
first to note its piece wins; so nothing has to be locked while bytes arrive.
"""

import io
import logging
import uuid
from functools import partial

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from config.errors import Conflict, DomainError, NotFound
from workspace import filenames, shelf
from workspace.models import PartialUpload, Piece

log = logging.getLogger(__name__)

PIECE_BYTES = 4 << 20  # what a killed process loses at most
FOLDER = "partial"


class WrongOffset(Conflict):
    """The upload does not go on there; ask for its offset."""

    code = "wrong_offset"


class TooMuch(DomainError):
    """This goes beyond the announced length."""

    status = 413
    code = "too_large"


class Lost(DomainError):
    """A part of this upload is lost; please send the file again."""

    status = 410
    code = "upload_lost"


def begin(*, owner, name, size, description="", id=None):
    """Announce a file of that size; return its PartialUpload.

    With an id it is announced once, and found from then on. Raise TooLarge or Nameless.
    """
    if size > settings.WORKSPACE_RESUMABLE_MAX_BYTES:
        raise shelf.TooLarge
    upload, _is_new = PartialUpload.objects.get_or_create(
        owner=owner,
        pk=id or uuid.uuid4(),
        defaults={
            "original_filename": filenames.clean(name),
            "description": description,
            "size": size,
        },
    )
    return upload


def find(owner, id):
    """Return a person's PartialUpload; raise NotFound."""
    uploads = PartialUpload.objects.select_related("upload")
    upload = uploads.filter(owner=owner, pk=id).first()
    if upload is None:
        raise NotFound
    return upload


def add(upload, offset, read):
    """Store what read(size) gives from an offset on, piece by piece, as `take` does.

    The last byte makes a file of it all. Raise WrongOffset, StorageAway or Lost.
    """
    take(upload, offset, read)
    if upload.is_complete:
        finish(upload)


def take(upload, offset, read):
    """Store what read(size) gives from an offset on, piece by piece.

    It ends with an empty answer or an OSError: who sent it left, and what came before
    stays. Raise WrongOffset or StorageAway.
    """
    if offset != upload.offset:
        raise WrongOffset
    body = Body(read)
    while upload.offset < upload.size and body.has_more():
        body.left = min(PIECE_BYTES, upload.size - upload.offset)
        _add_piece(upload, body)


def _add_piece(upload, body):
    name = uuid.uuid4().hex
    key = f"{FOLDER}/{name}"
    size = body.left
    shelf.store.put(key, File(body))
    size -= body.left
    try:
        with transaction.atomic():
            here = PartialUpload.objects.filter(pk=upload.pk, offset=upload.offset)
            if not here.update(offset=F("offset") + size, touched_at=timezone.now()):
                raise WrongOffset
            upload.pieces.create(offset=upload.offset, size=size, name=name)
    except BaseException:
        shelf.discard(key)
        raise
    upload.offset += size


def finish(upload):
    """Make a file of the pieces, once, however often it is asked for.

    Raise StorageAway, after which it can be asked for again, or Lost.
    """
    if upload.upload is not None:
        return
    try:
        with transaction.atomic():
            # Without its file in one query: who waited for the lock would be given the
            # new key and, from before, no file.
            locked = PartialUpload.objects.select_for_update().filter(pk=upload.pk)
            locked = locked.first()
            if locked is None:
                raise NotFound
            if locked.upload is None:
                _put_together(locked)
            upload.upload = locked.upload
    except FileNotFoundError as error:
        log.error("A piece of %s is gone: %s", upload.pk, error)
        drop(upload)
        raise Lost from error


def _put_together(upload):
    pieces = list(upload.pieces.all())
    upload.upload = shelf.keep(
        owner=upload.owner,
        content=File(Joined(pieces)),
        name=upload.original_filename,
        size=upload.size,
        description=upload.description,
    )
    upload.save(update_fields=["upload"])
    _forget(pieces)


def _forget(pieces):
    """Remove pieces: the rows at once, the bytes after the commit."""
    Piece.objects.filter(pk__in=[piece.pk for piece in pieces]).delete()
    keys = map(key_of, pieces)
    transaction.on_commit(partial(shelf.discard, *keys))


def key_of(piece):
    return f"{FOLDER}/{piece.name}"


def drop(upload):
    """End an upload; what became a file stays one."""
    with transaction.atomic():
        here = PartialUpload.objects.filter(pk=upload.pk)
        list(here.select_for_update())  # a piece on its way finds no upload after this
        _forget(list(upload.pieces.all()))
        here.delete()


def rescue(upload):
    """Finish a complete upload whose client is gone; tell whether it became a file.

    Raise StorageAway.
    """
    try:
        finish(upload)
    except Lost:
        return False
    return True


class Body(io.RawIOBase):
    """The next `left` bytes of what comes; it ends early when that does."""

    def __init__(self, read):
        self.source = read
        self.ahead = b""
        self.left = 0

    def has_more(self):
        """Wait for more; tell whether there is any."""
        if not self.ahead:
            try:
                self.ahead = self.source(1 << 16)
            except OSError:  # who sent it left
                self.ahead = b""
        return bool(self.ahead)

    def read(self, size=-1):
        """Return so many bytes, fewer only at the end: who uploads asks no twice."""
        wanted = self.left if size < 0 else min(size, self.left)
        parts = []
        while wanted and self.has_more():
            parts.append(self.ahead[:wanted])
            self.ahead = self.ahead[wanted:]
            wanted -= len(parts[-1])
            self.left -= len(parts[-1])
        return b"".join(parts)


class Joined(io.RawIOBase):
    """Pieces that lie in the store, read one after the other."""

    def __init__(self, pieces):
        self.parts = (
            shelf.store.part(key_of(piece), 0, piece.size) for piece in pieces
        )
        self.part = None

    def read(self, size=-1):
        """Return so many bytes, fewer only at the end."""
        data = []
        while size:
            if self.part is None:
                self.part = next(self.parts, None)
            if self.part is None:
                break
            data.append(self.part.read(size))
            size -= len(data[-1])
            if not data[-1]:
                self.part.close()
                self.part = None
        return b"".join(data)
