"""The shared files as other apps reach them: the Keeper of config.shared_files."""

from config.errors import Forbidden
from config.shared_files import SharedFile
from workspace import filenames, files, resumable, shelf
from workspace.models import Upload


def listed(user, search="", most=100):
    """Return files, the newest first; those of a name, with a search."""
    check_may_read(user)
    uploads = Upload.objects.filter(original_filename__icontains=search)
    return [shared(upload) for upload in uploads[:most]]


def find(user, id):
    """Return a file; raise NotFound."""
    check_may_read(user)
    return shared(files.find(id))


def check_may_read(user):
    """Raise Forbidden for who is not among us any more; all others read everything."""
    if user is None or not user.is_active:
        raise Forbidden


def shared(upload):
    return SharedFile(
        upload.filename, upload.original_filename, upload.size, upload.uploaded_at
    )


def pieces(id, start, stop):
    """Yield these bytes of a file; raise NotFound or StorageAway."""
    return files.pieces(files.find(id), start, stop - start)


def named(user, name):
    """Return the clean name of a file to come; raise ViewersOnlyLook or Nameless."""
    check_may_read(user)
    files.check_may_write(user)
    return filenames.clean(name)


def begin(user, *, id, name, size):
    """Return the Arrival of an id; raise ViewersOnlyLook, TooLarge or Nameless."""
    name = named(user, name)
    return Arrival(resumable.begin(owner=user, name=name, size=size, id=id))


class Arrival:
    """A file on its way in; it is a PartialUpload, and swept as one when abandoned."""

    def __init__(self, upload):
        self.upload = upload

    @property
    def offset(self):
        return self.upload.offset

    @property
    def size(self):
        return self.upload.size

    def add(self, read):
        resumable.take(self.upload, self.upload.offset, read)

    def pieces(self):
        if self.upload.upload is not None:
            yield from files.pieces(self.upload.upload, 0, self.size)
            return
        for piece in self.upload.pieces.all():
            yield from shelf.store.pieces(resumable.key_of(piece), 0, piece.size)

    def finish(self):
        resumable.finish(self.upload)
        return shared(self.upload.upload)

    def drop(self):
        resumable.drop(self.upload)
