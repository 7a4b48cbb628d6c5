"""Where files lie: a folder, or a bucket (setting STORAGES).

Both write a file whole or not at all, and over one of the same name, without holding
it in memory. Whatever keeps them from their work is a StorageAway; a file that is not
there a FileNotFoundError.
"""

import contextlib
import io
import os
import tempfile
from pathlib import Path

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from storages.backends.s3 import S3Storage

from config.errors import Unavailable

PIECE_BYTES = 1 << 18


class StorageAway(Unavailable):
    """The store of files is away; please try again soon."""

    code = "storage_away"


class Disk(FileSystemStorage):
    """A folder; what is stored there survives a power cut."""

    def __init__(self, **options):
        super().__init__(allow_overwrite=True, **options)

    def _save(self, name, content):
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(content.chunks())
                file.flush()
                os.fsync(handle)
            os.replace(fresh, path)
        except BaseException:
            Path(fresh).unlink()
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return name

    def tail(self, name, start):
        """Return an open file that begins there."""
        file = Path(self.path(name)).open("rb")  # noqa: SIM115
        file.seek(start)
        return file

    def listdir(self, path):
        try:
            return super().listdir(path)
        except FileNotFoundError:  # nothing was stored there yet
            return [], []


# What pages elsewhere may do with a bucket that we make.
CORS = {
    "AllowedOrigins": ["*"],
    "AllowedMethods": ["GET", "PUT", "POST", "DELETE"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3000,
}


class Bucket(S3Storage):
    """A bucket of Amazon's or another S3; credentials are boto3's own business.

    One that is missing is made at need where `makes_bucket` says so.
    """

    def __init__(self, makes_bucket=False, **options):
        self.makes_bucket = makes_bucket
        super().__init__(
            **options,
            file_overwrite=True,
            default_acl=None,
            max_memory_size=1 << 20,
            # Each thread would hold 8 MiB of the file.
            transfer_config=TransferConfig(use_threads=False),
            client_config=Config(
                connect_timeout=3,
                read_timeout=20,
                retries={"max_attempts": 3},
                s3={"addressing_style": "path" if options["endpoint_url"] else "auto"},
                signature_version="s3v4",
            ),
        )

    def _save(self, name, content):
        if self.makes_bucket:
            self.make_bucket()
            self.makes_bucket = False  # it is there from now on
        return super()._save(name, content)

    def make_bucket(self):
        client = self.connection.meta.client
        place = {}
        if self.region_name != "us-east-1":  # which wants not to be named
            region = {"LocationConstraint": self.region_name}
            place = {"CreateBucketConfiguration": region}
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            self.bucket.create(**place)
        self.bucket.Cors().put(CORSConfiguration={"CORSRules": [CORS]})

    def tail(self, name, start):
        """Return an open file that begins there."""
        return self.bucket.Object(name).get(Range=f"bytes={start}-")["Body"]


class Part:
    """So many bytes of an open file, for an answer that closes it when sent."""

    def __init__(self, file, size):
        self.file, self.left = file, size

    def read(self, size=-1):
        data = self.file.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(data)
        return data

    def close(self):
        self.file.close()


class Store:
    """One of STORAGES by its name."""

    def __init__(self, name):
        self.name = name

    @property
    def storage(self):
        return storages[self.name]

    def put(self, key, content):
        """Store bytes, or what a File has, under a key."""
        if isinstance(content, bytes):
            content = ContentFile(content)
        with _told_apart():
            self.storage.save(key, content)

    def get(self, key):
        """Return the bytes stored under a key."""
        with _told_apart(), self.storage.open(key) as file:
            return file.read()

    def opened(self, key):
        """Return the file under a key, for an answer that closes it when sent."""
        with _told_apart():
            file = self.storage.open(key)
            file.seek(0)  # a bucket is asked on first use only, and may fail here
            return file

    def part(self, key, start, size):
        """Return a Part of the file under a key; only that is fetched."""
        if not size:
            return Part(io.BytesIO(), 0)
        with _told_apart():
            return Part(self.storage.tail(key, start), size)

    def pieces(self, key, start, size):
        """Yield so many bytes of the file under a key, in pieces."""
        with contextlib.closing(self.part(key, start, size)) as part:
            while True:
                with _told_apart():
                    piece = part.read(PIECE_BYTES)
                if not piece:
                    return
                yield piece

    def remove(self, key):
        """Remove the file under a key, if there is one."""
        with _told_apart():
            self.storage.delete(key)

    def names(self, folder):
        """Return the names of the files in a folder."""
        with _told_apart():
            return self.storage.listdir(folder)[1]

    def stored_at(self, key):
        """Return the moment when the file under a key was stored."""
        with _told_apart():
            return self.storage.get_modified_time(key)


@contextlib.contextmanager
def _told_apart():
    """Raise StorageAway for what is wrong with the store, not with the file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        answer = getattr(error, "response", None) or {}
        if answer.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
            raise FileNotFoundError from error
        raise StorageAway from error
