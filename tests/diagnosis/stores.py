"""Places for recordings: a folder, a bucket, and a Shelf that is either."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "recordings"


@pytest.fixture
def disk(settings, tmp_path):
    """Recordings lie in a folder of this test alone; it is returned."""
    settings.STORAGES = settings.STORAGES | {
        "recordings": {
            "BACKEND": "diagnosis.storage.Disk",
            "OPTIONS": {"location": tmp_path / "recordings"},
        }
    }
    return tmp_path / "recordings"


@pytest.fixture(scope="session")
def s3_server():
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(settings, s3_server, monkeypatch):
    """Recordings lie in an empty bucket, spoken to over HTTP; it is returned."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    options = {"endpoint_url": s3_server, "region_name": "ap-northeast-2"}
    bucket = boto3.resource("s3", **options).Bucket(BUCKET)
    bucket.create(CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    settings.STORAGES = settings.STORAGES | {
        "recordings": {
            "BACKEND": "diagnosis.storage.Bucket",
            "OPTIONS": {"bucket_name": BUCKET, **options},
        }
    }
    yield bucket
    bucket.objects.delete()
    bucket.delete()


@pytest.fixture
def nowhere(settings):
    """The store of recordings does not answer."""
    settings.STORAGES = settings.STORAGES | {
        "recordings": {
            "BACKEND": "diagnosis.storage.Bucket",
            "OPTIONS": {
                "bucket_name": BUCKET,
                "endpoint_url": "http://127.0.0.1:9",
                "region_name": "ap-northeast-2",
            },
        }
    }


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


@pytest.fixture(params=["disk", "bucket"])
def shelf(request):
    """Run the test with recordings on disk, and again with them in S3."""
    place = request.getfixturevalue(request.param)
    return Shelf(**{request.param: place})
