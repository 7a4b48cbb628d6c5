"""ENV=local: recordings in LocalStack (here moto's server), without any preparation."""

import boto3
import pytest

from tests.config.test_settings import KEYS, start

__all__ = ["start"]

CODE = """
import django; django.setup()
from diagnosis import storage
for content in (b"one", b"two"):
    storage.put("diagnosis/1/original/a.csv", content)
    print(storage.get("diagnosis/1/original/a.csv"))
"""


@pytest.mark.parametrize(
    ("region", "name"), [("ap-northeast-2", ""), ("us-east-1", "another")]
)
def test_the_bucket_is_made_at_need(start, s3_server, region, name):
    ended = start(
        CODE,
        **KEYS,
        ENV="local",
        LOCALSTACK_ENDPOINT=s3_server,
        AWS_REGION=region,
        S3_BUCKET_NAME=name,
    )

    assert (ended.stdout, ended.stderr) == ("b'one'\nb'two'\n", "")
    s3 = boto3.client(
        "s3",
        endpoint_url=s3_server,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    (rule,) = s3.get_bucket_cors(Bucket=name or "test-bucket")["CORSRules"]
    assert rule["AllowedMethods"] == ["GET", "PUT", "POST", "DELETE"]
    assert (rule["AllowedOrigins"], rule["ExposeHeaders"]) == (["*"], ["ETag"])
    assert rule["MaxAgeSeconds"] == 3000


def test_elsewhere_a_missing_bucket_is_a_store_that_is_away(start, s3_server):
    ended = start(
        CODE,
        **KEYS,
        S3_BUCKET_NAME="nobody-made-it",
        S3_ENDPOINT_URL=s3_server,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )

    assert "config.storage.StorageAway" in ended.stderr
