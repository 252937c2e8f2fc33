"""Content in a folder and in a real bucket, and what a real clamd says of it."""

import asyncio
import http.client
import time
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4
from zipfile import ZipFile

import pytest
from pydantic import AnyHttpUrl, SecretStr
from testcontainers.core.container import DockerContainer

from business_files.scanner import Infected, Scanner
from business_files.settings import ScannerSettings
from business_files.store import CHUNK, Objects, make_objects
from business_files.testing import EICAR, chunks
from chassis.errors import Unavailable
from filestore.settings import StoreSettings
from filestore.sigv4 import presign_get, presign_put

ROOT = Path(__file__).parents[2]
BUCKET = {
    "FILES_S3_BUCKET": "files",
    "FILES_S3_ACCESS_KEY": "test",
    "FILES_S3_SECRET_KEY": "secret",
}


@pytest.fixture(scope="module")
def bucket() -> Iterator[StoreSettings]:
    """A bucket in SeaweedFS, made as the one of this project is."""
    start = ROOT / "infrastructure/seaweedfs/start.sh"
    container = (
        DockerContainer("chrislusf/seaweedfs:4.48", entrypoint=["sh", "/start.sh"])
        .with_volume_mapping(start, "/start.sh", "ro")
        .with_exposed_ports(8333)
    )
    for name, value in BUCKET.items():
        container.with_env(name, value)
    with container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(8333)
        settings = StoreSettings(
            store="s3",
            s3_endpoint=AnyHttpUrl(f"http://{host}:{port}"),
            s3_access_key="test",
            s3_secret_key=SecretStr("secret"),
        )
        deadline = time.monotonic() + 60
        while not asyncio.run(_takes_content(settings)):
            assert time.monotonic() < deadline, container.get_logs()
            time.sleep(0.5)
        yield settings


async def _takes_content(settings: StoreSettings) -> bool:
    try:
        await make_objects(settings).put("ready", chunks(b"ready"))
    except Unavailable:
        return False
    return True


@pytest.fixture(params=["local", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """The same tests over both kinds of store."""
    if request.param == "local":
        return make_objects(StoreSettings(folder=tmp_path))
    return make_objects(request.getfixturevalue("bucket"))


async def read(objects: Objects, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([part async for part in objects.read(key, start, end)])


async def test_content_comes_back_whole_and_in_parts(objects: Objects) -> None:
    key, content = f"document/{uuid4()}", bytes(range(256)) * 1000
    await objects.put(key, chunks(content[:100_000], content[100_000:]))
    assert await objects.size(key) == len(content)
    assert await read(objects, key) == content
    assert await read(objects, key, 10, 20) == content[10:20]
    assert await read(objects, key, len(content) - 5) == content[-5:]
    with objects.reader(key) as file:
        file.seek(-5, 2)
        assert file.read() == content[-5:]


async def test_content_is_listed_and_deleted(objects: Objects) -> None:
    key = f"document/{uuid4()}"
    await objects.put(key, chunks(b"a"))
    assert key in [each["path"] async for part in objects.list() for each in part]
    for _ in range(2):
        await objects.delete(key)
    with pytest.raises(FileNotFoundError):
        await objects.size(key)
    with pytest.raises(FileNotFoundError):
        await read(objects, key)
    await objects.check()


async def test_content_that_breaks_off_is_not_stored(objects: Objects) -> None:
    key = f"document/{uuid4()}"

    async def broken() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(CHUNK)
        raise LookupError("the client is gone")

    with pytest.raises(LookupError, match="gone"):
        await objects.put(key, broken())
    with pytest.raises(FileNotFoundError):
        await objects.size(key)


async def test_an_object_is_copied(objects: Objects) -> None:
    key = f"document/{uuid4()}"
    await objects.put(key, chunks(b"a"), {"Content-Type": "text/plain"})
    await objects.copy(key, f"{key}.copy")
    assert await read(objects, f"{key}.copy") == b"a"
    with pytest.raises(FileNotFoundError):
        await objects.copy("document/nothing", f"{key}.copy")


async def test_a_bucket_that_is_not_there_is_an_error(bucket: StoreSettings) -> None:
    # SeaweedFS makes a bucket for what is stored; others refuse that too.
    with pytest.raises(Unavailable):
        await make_objects(bucket.model_copy(update={"s3_bucket": "not-there"})).check()


async def test_a_store_that_is_away_is_an_error() -> None:
    settings = StoreSettings(
        store="s3",
        s3_endpoint=AnyHttpUrl("http://127.0.0.1:1"),
        s3_access_key="test",
        s3_secret_key=SecretStr("secret"),
    )
    with pytest.raises(Unavailable):
        await make_objects(settings).check()


def send(
    method: str, url: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Send a request as a client without any library for S3 would."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, f"{parts.path}?{parts.query}", body or None, given)
    answer = connection.getresponse()
    return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}


def test_a_client_uploads_what_was_announced_and_nothing_else(bucket: StoreSettings) -> None:
    content = b"hello world"
    for body, more, wanted in (
        (b"hello w", {}, 403),
        (b"hello world!", {}, 403),
        (content, {"Content-Type": "text/html"}, 403),
        (b"hello earth", {}, 400),
        (content, {}, 200),
        (content, {}, 412),
    ):
        key = "document/presigned"
        checksum = sha256(content).hexdigest()
        url, headers = presign_put(bucket, key, 60, len(content), "text/plain", checksum)
        status, answer, _ = send("PUT", url, body, **(headers | more))
        assert status == wanted, answer
    link = presign_get(bucket, key, 60, "text/plain", 'attachment; filename="a.txt"')
    status, answer, headers = send("GET", link)
    assert (status, answer) == (200, content)
    assert headers["content-disposition"] == 'attachment; filename="a.txt"'
    assert headers["cache-control"] == "no-store"
    tampered = link.replace("presigned", "ready")
    assert send("GET", tampered)[0] == 403
    expired = presign_get(bucket, key, 1, "text/plain", "inline")
    time.sleep(2.1)
    assert send("GET", expired)[0] == 403


@pytest.fixture(scope="module")
def clamd() -> Iterator[ScannerSettings]:
    """A clamd with the configuration of this project."""
    config = ROOT / "infrastructure/clamav/clamd.conf"
    container = (
        DockerContainer("clamav/clamav:1.5")
        .with_volume_mapping(config, "/etc/clamav/clamd.conf", "ro")
        .with_exposed_ports(3310)
    )
    with container:
        host, port = container.get_container_host_ip(), int(container.get_exposed_port(3310))
        settings = ScannerSettings(host=host, port=port)
        deadline = time.monotonic() + 180
        while not asyncio.run(_answers(settings)):
            assert time.monotonic() < deadline, container.get_logs()
            time.sleep(0.5)
        yield settings


async def _answers(settings: ScannerSettings) -> bool:
    try:
        await Scanner(settings).check()
    except Unavailable:
        return False
    return True


async def test_a_virus_is_found_plain_and_in_an_archive(clamd: ScannerSettings) -> None:
    archive = BytesIO()
    with ZipFile(archive, "w") as zipped:
        zipped.writestr("folder/a.txt", EICAR)
    for content in (EICAR, archive.getvalue()):
        with pytest.raises(Infected, match=r"(?i)eicar"):
            await Scanner(clamd).scan(chunks(content))
    await Scanner(clamd).scan(chunks(b"hello", b" world"))


async def test_a_large_file_is_scanned_piece_by_piece(clamd: ScannerSettings) -> None:
    await Scanner(clamd).scan(chunks(*[bytes(CHUNK)] * 50))
