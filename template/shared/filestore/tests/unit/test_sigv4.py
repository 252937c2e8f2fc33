"""Signature Version 4 against the example that Amazon publishes."""

from datetime import UTC, datetime

from pydantic import SecretStr

from filestore.settings import StoreSettings
from filestore.sigv4 import presign_put, presign_url

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
AMAZON = StoreSettings(
    store="s3",
    s3_access_key="AKIAIOSFODNN7EXAMPLE",
    s3_secret_key=SecretStr("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
)
SIGNATURE = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


def test_the_published_example_has_the_published_signature() -> None:
    url = "https://examplebucket.s3.amazonaws.com/test.txt"
    now = datetime(2013, 5, 24, tzinfo=UTC)
    assert presign_url(AMAZON, "GET", url, 86400, now=now).endswith(SIGNATURE)


def test_size_type_and_checksum_are_part_of_the_signature() -> None:
    urls = {
        presign_put(AMAZON, "document/7", 600, size, kind, checksum)[0].rpartition("=")[2]
        for size, kind, checksum in (
            (10, "text/plain", None),
            (11, "text/plain", None),
            (10, "text/csv", None),
            (10, "text/plain", "ab" * 32),
        )
    }
    assert len(urls) == 4


def test_without_an_endpoint_it_is_amazon() -> None:
    assert AMAZON.public_endpoint == "https://s3.us-east-1.amazonaws.com"
