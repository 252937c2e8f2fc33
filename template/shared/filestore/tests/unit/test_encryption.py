"""Who encrypts, and what that rules out."""

from typing import Any

import pytest

from filestore.encryption import EncryptionSettings
from filestore.put_headers import encryption


@pytest.mark.parametrize(
    "given",
    [
        {"encryption": "aws:kms"},
        {"encryption": "AES256", "store": "local"},
        {"encryption": "envelope", "transfer": "store"},
        {"encryption": "envelope", "cdn": "cloudflare"},
        {"encryption": "rot13"},
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"FILES_|Input should be"):
        EncryptionSettings.model_validate(given)


@pytest.mark.parametrize(
    ("kind", "key", "headers"),
    [
        ("none", "", {}),
        ("AES256", "", {"x-amz-server-side-encryption": "AES256"}),
        (
            "aws:kms",
            "k-1",
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": "k-1",
            },
        ),
    ],
)
def test_uploads_ask_the_bucket(
    monkeypatch: pytest.MonkeyPatch, kind: str, key: str, headers: dict[str, str]
) -> None:
    monkeypatch.setenv("FILES_ENCRYPTION", kind)
    monkeypatch.setenv("FILES_KMS_KEY_ID", key)
    monkeypatch.setenv("FILES_STORE", "s3")
    assert encryption.put_headers() == headers
    assert len(encryption.store_config()) == len(headers)
