"""Links: good for one method and one file, until they expire."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from pydantic import AnyHttpUrl, SecretStr

from chassis.errors import Forbidden
from contracts.files import FileState, StoredFile
from filestore.links import ServiceLinks, StoreLinks, content_of
from filestore.settings import LinkSettings, StoreSettings

FILE = StoredFile(
    id=UUID(int=7),
    owner="ada",
    purpose="document",
    filename="Bericht für Ada.pdf",
    declared_type="application/pdf",
    content_type="application/pdf",
    size=11,
    max_size=100,
    sha256="ab" * 32,
    key="document/7",
    state=FileState.READY,
    reason=None,
    version=1,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    attachments=(),
)
SETTINGS = LinkSettings(link_key=SecretStr("k" * 32))
STORE = StoreSettings(
    store="s3",
    s3_endpoint=AnyHttpUrl("http://inside:8333"),
    s3_public_endpoint=AnyHttpUrl("https://files.example"),
    s3_access_key="key",
    s3_secret_key=SecretStr("secret"),
)
links = ServiceLinks(SETTINGS)


def parts(url: str) -> tuple[str, int, str]:
    """Return path, expiry and signature of a link."""
    found = urlsplit(url)
    query = parse_qs(found.query)
    return found.path, int(query["expires"][0]), query["signature"][0]


def test_a_link_is_good_for_its_method_and_path() -> None:
    link = links.upload(FILE)
    assert (link.method, link.headers) == ("PUT", {"Content-Type": "application/pdf"})
    path, expires, signature = parts(link.url)
    links.check("PUT", path, expires, signature)
    for method, other in (("GET", path), ("PUT", path.replace("7", "8"))):
        with pytest.raises(Forbidden, match="not valid"):
            links.check(method, other, expires, signature)


def test_who_may_read_may_ask_for_the_headers() -> None:
    path, expires, signature = parts(links.download(content_of(FILE)).url)
    links.check("HEAD", path, expires, signature)


@pytest.mark.parametrize("signature", ["", "0" * 64, "ä"])
def test_another_signature_is_refused(signature: str) -> None:
    path, expires, _ = parts(links.download(content_of(FILE)).url)
    with pytest.raises(Forbidden, match="not valid"):
        links.check("GET", path, expires, signature)


def test_a_link_expires_and_cannot_be_prolonged() -> None:
    link = links.sign("GET", "/api/v1/content/7", -1)
    path, expires, signature = parts(link.url)
    with pytest.raises(Forbidden, match="expired"):
        links.check("GET", path, expires, signature)
    with pytest.raises(Forbidden, match="not valid"):
        links.check("GET", path, expires + 1000, signature)


def test_another_key_makes_other_links() -> None:
    other = ServiceLinks(LinkSettings(link_key=SecretStr("x" * 32)))
    with pytest.raises(Forbidden):
        links.check("GET", *parts(other.download(content_of(FILE)).url))


def test_a_store_gets_exactly_what_was_announced() -> None:
    link = StoreLinks(STORE, SETTINGS).upload(FILE)
    url = urlsplit(link.url)
    assert (url.netloc, url.path) == ("files.example", "/files/document/7")
    signed = parse_qs(url.query)["X-Amz-SignedHeaders"][0].split(";")
    assert set(signed) == {
        "content-disposition",
        "content-length",
        "content-type",
        "host",
        "if-none-match",
        "x-amz-checksum-sha256",
    }
    assert link.headers["If-None-Match"] == "*"


def test_without_a_size_the_service_takes_the_content() -> None:
    unsized = FILE.model_copy(update={"size": None})
    assert urlsplit(StoreLinks(STORE, SETTINGS).upload(unsized).url).path.startswith("/api/v1/")


def test_a_store_answers_with_the_name_of_the_file() -> None:
    url = urlsplit(StoreLinks(STORE, SETTINGS).download(content_of(FILE)).url)
    query = parse_qs(url.query)
    assert query["response-content-type"] == ["application/pdf"]
    assert query["response-cache-control"] == ["no-store"]
    assert "filename*=UTF-8''Bericht%20f%C3%BCr" in query["response-content-disposition"][0]


def test_a_bucket_needs_keys() -> None:
    with pytest.raises(ValueError, match="FILES_S3_ACCESS_KEY"):
        StoreSettings(store="s3")
