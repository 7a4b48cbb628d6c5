"""Where recordings lie: a folder, or a bucket (setting STORAGES["recordings"]).

Both write a file whole or not at all, and over one of the same name. Whatever keeps
them from their work is a StorageAway; a file that is not there a FileNotFoundError.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from storages.backends.s3 import S3Storage

from config.errors import Unavailable


class StorageAway(Unavailable):
    """The store of recordings is away; please try again soon."""

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
            client_config=Config(
                connect_timeout=3,
                read_timeout=20,
                retries={"max_attempts": 3},
                s3={"addressing_style": "path" if options["endpoint_url"] else "auto"},
                signature_version="s3v4",
            ),
        )

    def _save(self, name, content):
        try:
            return super()._save(name, content)
        except ClientError as error:
            is_missing = error.response["Error"]["Code"] == "NoSuchBucket"
            if not (is_missing and self.makes_bucket):
                raise
        self.make_bucket()
        content.seek(0)
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


@contextlib.contextmanager
def _told_apart():
    """Raise StorageAway for what is wrong with the store, not with the file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        raise StorageAway from error


def put(key, content):
    """Store bytes under a key."""
    with _told_apart():
        storages["recordings"].save(key, ContentFile(content))


def get(key):
    """Return the bytes stored under a key."""
    with _told_apart(), storages["recordings"].open(key) as file:
        return file.read()


def opened(key):
    """Return the file stored under a key, for an answer that closes it when sent."""
    with _told_apart():
        file = storages["recordings"].open(key)
        file.seek(0)  # a bucket is asked on first use only, and may fail here
        return file


def remove(key):
    """Remove the file under a key, if there is one."""
    with _told_apart():
        storages["recordings"].delete(key)
