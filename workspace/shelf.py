"""The shelf of shared files: bytes in STORAGES["uploads"], and a row for each file.

Bytes come before their row and go after it, so that no row is ever without its bytes;
what a crash leaves behind is found by `files.sweep_abandoned`.
"""

import logging

from config import copies
from config.errors import DomainError
from config.storage import StorageAway, Store
from workspace import filenames
from workspace.models import Upload

log = logging.getLogger(__name__)

store = Store("uploads")


class TooLarge(DomainError):
    """The file is too large."""

    status = 413
    code = "too_large"


def keep(*, owner, content, name, size, description):
    """Store content of that size under a client's clean name; return its Upload.

    Raise StorageAway; then nothing is kept.
    """
    filename, folder, content_type = filenames.stored(name)
    upload = Upload(
        owner=owner,
        original_filename=name,
        description=description,
        size=size,
        filename=filename,
        folder=folder,
        content_type=content_type,
    )
    store.put(upload.key, content)
    try:
        upload.save(force_insert=True)
    except BaseException:
        discard(upload.key)
        raise
    copies.drop("files")
    return upload


def discard(*keys):
    """Remove bytes that no row needs; while the store is away the sweep does it."""
    for key in keys:
        try:
            store.remove(key)
        except StorageAway as error:
            log.warning("%s is left to the sweep: %s", key, error.__cause__)
