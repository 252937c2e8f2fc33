"""Asks the bucket to encrypt what it stores."""

from chassis.settings import read_settings
from filestore.encryption import EncryptionSettings

HEADER = "x-amz-server-side-encryption"


def put_headers() -> dict[str, str]:
    """Return the headers that have to be signed and sent."""
    settings = read_settings(EncryptionSettings)
    if not settings.by_store:
        return {}
    key = {f"{HEADER}-aws-kms-key-id": settings.kms_key_id} if settings.kms_key_id else {}
    return {HEADER: settings.encryption, **key}


def store_config() -> dict[str, str]:
    """Return the same as options of obstore."""
    settings = read_settings(EncryptionSettings)
    if not settings.by_store:
        return {}
    key = {"aws_sse_kms_key_id": settings.kms_key_id} if settings.kms_key_id else {}
    return {"aws_server_side_encryption": settings.encryption, **key}
