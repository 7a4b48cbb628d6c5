"""Shared files: accept one, serve it, remove it, and sweep what was abandoned."""

import logging
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config import copies
from config.errors import DomainError, Forbidden, NotFound
from workspace import filenames, resumable, shelf
from workspace.models import Folder, PartialUpload, Piece, Role, Upload

log = logging.getLogger(__name__)

MOST_AT_ONCE = 20
ABANDONED_AFTER = timedelta(hours=24)


class TooManyFiles(DomainError):
    """These are too many files at once; send at most 20."""

    status = 413
    code = "too_many_files"


class ViewersOnlyLook(Forbidden):
    """Viewers neither upload nor delete files."""


class NotYourFile(Forbidden):
    """Only its owner and administrators delete a file."""


def may_write(user):
    """Tell whether the person uploads and deletes files at all."""
    return user.role != Role.VIEWER


def check_may_write(user):
    """Raise ViewersOnlyLook for who may not."""
    if not may_write(user):
        raise ViewersOnlyLook


def accept(*, owner, content, name, description=""):
    """Store a File under the client's name and return its Upload.

    Raise TooLarge, Nameless or StorageAway; then nothing is kept.
    """
    if content.size > settings.WORKSPACE_UPLOAD_MAX_BYTES:
        raise shelf.TooLarge
    return shelf.keep(
        owner=owner,
        content=content,
        name=filenames.clean(name),
        size=content.size,
        description=description,
    )


def listed():
    """Return all files, the newest first, with their owners."""
    return Upload.objects.select_related("owner")


def find(filename, **more):
    """Return the Upload stored under a name; raise NotFound."""
    known = filenames.STORED.fullmatch(filename)
    upload = known and Upload.objects.filter(filename=filename, **more).first()
    if not upload:
        raise NotFound
    return upload


def opened(upload, start, size):
    """Return a Part of a file; raise NotFound or StorageAway."""
    try:
        return shelf.store.part(upload.key, start, size)
    except FileNotFoundError as error:
        raise gone(upload) from error


def pieces(upload, start, size):
    """Yield so many bytes of a file in pieces; raise NotFound or StorageAway."""
    try:
        yield from shelf.store.pieces(upload.key, start, size)
    except FileNotFoundError as error:
        raise gone(upload) from error


def gone(upload):
    """Log that a file has lost its bytes; return the error to raise."""
    log.error("The bytes of %s are gone", upload.key)
    return NotFound()


def remove(upload, by):
    """Remove a file for its owner or an administrator.

    Raise ViewersOnlyLook, NotYourFile, or NotFound when somebody was faster. The row
    goes at once, the bytes after the commit.
    """
    check_may_write(by)
    if not by.is_staff and upload.owner_id != by.pk:
        raise NotYourFile
    with transaction.atomic():
        _count, of_each = Upload.objects.filter(pk=upload.pk).delete()
        if not of_each.get(Upload._meta.label):
            raise NotFound
        transaction.on_commit(partial(shelf.discard, upload.key))
        copies.drop("files")
    log.info("%s removed %s", by.pk, upload.key)


def sweep_abandoned():
    """Clear away uploads that nobody goes on with, and bytes that have no row.

    Both only when they are older than ABANDONED_AFTER. An upload that is complete but
    was never put together is put together now. Return how many there were of each;
    raise StorageAway, after which the rest can be done again.
    """
    before = timezone.now() - ABANDONED_AFTER
    finished = dropped = 0
    for upload in PartialUpload.objects.filter(touched_at__lt=before):
        if upload.upload_id is None:
            rescued = upload.is_complete and resumable.rescue(upload)
            finished += rescued
            dropped += not rescued
        resumable.drop(upload)
    orphans = [*_orphans(before)]
    shelf.discard(*orphans)
    return {"finished": finished, "dropped": dropped, "orphans": len(orphans)}


def _orphans(before):
    """Yield the keys of bytes older than a moment that no row knows."""
    for folder in [*Folder.values, resumable.FOLDER]:
        names = set(shelf.store.names(folder))  # before the rows, which come after it
        if folder == resumable.FOLDER:
            rows = Piece.objects.values_list("name", flat=True)
        else:
            rows = Upload.objects.filter(folder=folder)
            rows = rows.values_list("filename", flat=True)
        for name in names.difference(rows.iterator()):
            key = f"{folder}/{name}"
            try:
                is_old = shelf.store.stored_at(key) < before
            except FileNotFoundError:  # it went meanwhile
                continue
            if is_old:
                yield key
