"""Places for one of STORAGES: a folder, a bucket, nowhere, and a Shelf that is either.

A conftest.py makes the fixtures of the store its tests want, and imports s3_server.
"""

import boto3
import pytest
from moto.server import ThreadedMotoServer

REGION = "ap-northeast-2"


@pytest.fixture(scope="session")
def s3_server():
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Shelf:
    """What is stored, by key, whichever way."""

    def __init__(self, disk=None, bucket=None):
        self.disk, self.bucket = disk, bucket

    def keys(self):
        if self.bucket:
            return sorted(item.key for item in self.bucket.objects.all())
        return sorted(
            path.relative_to(self.disk).as_posix()
            for path in self.disk.rglob("*")
            if path.is_file()
        )

    def read(self, key):
        if self.bucket:
            return self.bucket.Object(key).get()["Body"].read()
        return (self.disk / key).read_bytes()

    def write(self, key, content):
        if self.bucket:
            self.bucket.put_object(Key=key, Body=content)
        else:
            (self.disk / key).write_bytes(content)

    def remove(self, key):
        if self.bucket:
            self.bucket.Object(key).delete()
        else:
            (self.disk / key).unlink()


def use(settings, store, backend, **options):
    """Let a store be of a backend until the end of the test."""
    place = {"BACKEND": f"config.storage.{backend}", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {store: place}


def fixtures(store):
    """Return the fixtures disk, bucket, nowhere and shelf of a store."""

    @pytest.fixture
    def disk(settings, tmp_path):
        """The files lie in a folder of this test alone; it is returned."""
        use(settings, store, "Disk", location=tmp_path / store)
        return tmp_path / store

    @pytest.fixture
    def bucket(settings, s3_server, monkeypatch):
        """The files lie in an empty bucket, spoken to over HTTP; it is returned."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        options = {"endpoint_url": s3_server, "region_name": REGION}
        bucket = boto3.resource("s3", **options).Bucket(store)
        bucket.create(CreateBucketConfiguration={"LocationConstraint": REGION})
        use(settings, store, "Bucket", bucket_name=store, **options)
        yield bucket
        bucket.objects.delete()
        bucket.delete()

    @pytest.fixture
    def nowhere(settings):
        """The store does not answer."""
        options = {"endpoint_url": "http://127.0.0.1:9", "region_name": REGION}
        use(settings, store, "Bucket", bucket_name=store, **options)

    @pytest.fixture(params=["disk", "bucket"])
    def shelf(request):
        """Run the test with the files on disk, and again with them in S3."""
        place = request.getfixturevalue(request.param)
        return Shelf(**{request.param: place})

    return disk, bucket, nowhere, shelf
