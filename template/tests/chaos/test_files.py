"""Files while all around them is killed and frozen: none is lost, and none is there twice."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx2
import pytest

from business_files.testing import FakeClamd, clamd
from chassis.testing import access_token
from tests.chaos.support import Network, Service, eventually

if TYPE_CHECKING:
    from tests.chaos.conftest import System

FILES = 60
UPLOADERS = 4
SECONDS = 90


class Worker:
    """The background process of files."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = os.environ | environment
        self.start()

    def start(self, **more: str) -> None:
        command = [sys.executable, "-m", "business_files.worker"]
        self.process = subprocess.Popen(command, env=self._environment | more)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Uploads:
    """The system with files, and a client that never gives up."""

    def __init__(self, business: Service, files: Service, worker: Worker, folder: Path) -> None:
        self.business, self.files, self.worker, self.folder = business, files, worker, folder
        token = access_token("ada", "administrator")
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx2.Client(base_url=business.url, headers=headers, timeout=15)

    def upload(self, content: bytes) -> str:
        """Upload content, again and again until it was taken; return the id of the file."""
        deadline, key = time.monotonic() + SECONDS, uuid4().hex
        new = {"filename": "a.txt", "content_type": "text/plain", "purpose": "document"}
        while time.monotonic() < deadline:
            with suppress(httpx2.HTTPError):
                announced = self.client.post(
                    "/api/v1/uploads",
                    json=new | {"size": len(content)},
                    headers={"Idempotency-Key": key},
                )
                if announced.status_code == 201:
                    upload = announced.json()
                    sent = httpx2.put(upload["url"], content=content, timeout=15)
                    if sent.status_code == 202:
                        return str(upload["id"])
            time.sleep(0.1)
        raise AssertionError("the upload was never taken")

    def file(self, file_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/api/v1/files/{file_id}").json()
        return found

    def ready(self, file_id: str) -> bool:
        return self.file(file_id).get("state") == "ready"

    def content(self, file_id: str) -> bytes:
        path = f"/api/v1/files/{file_id}/content"
        link = self.client.get(path, follow_redirects=False).headers["location"]
        return httpx2.get(link, timeout=15).content

    def objects(self) -> list[str]:
        return [path.name for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
def scanner() -> Iterator[FakeClamd]:
    with clamd() as fake:
        yield fake


@pytest.fixture
def to_scanner(scanner: FakeClamd) -> Iterator[Network]:
    network = Network("127.0.0.1", scanner.port)
    yield network
    network.close()


@pytest.fixture
def uploads(
    system: "System", signing_keys: Mapping[str, str], to_scanner: Network, tmp_path: Path
) -> Iterator[Uploads]:
    both = {
        "DATA_SERVICE_URL": system.data.url,
        "FILES_LINK_KEY": uuid4().hex,
        "FILES_FOLDER": str(tmp_path),
        "FILES_QUOTA_BYTES": "0",
    }
    redis = {
        "REDIS_HOST": system.redis.get_container_host_ip(),
        "REDIS_PORT": str(system.redis.get_exposed_port(6379)),
        "REDIS_PASSWORD": "test",
    }
    mine = both | {
        "SERVICE_PRIVATE_KEY": signing_keys["business_files"],
        "FILES_SCANNER_HOST": "127.0.0.1",
        "FILES_SCANNER_PORT": str(to_scanner.port),
        "FILES_SCANNER_SCAN_SECONDS": "1",
        "FILES_RETRY_SECONDS": "1",
        "FILES_LEASE_SECONDS": "3",
        "FILES_POLL_SECONDS": "0.05",
        "METRICS_PORT": "0",
    }
    files = Service("business_files.main:app", mine)
    more = both | redis | {"FILES_PUBLIC_URL": files.url}
    business = Service("tests.notes.business_policy:app", more)
    business.start()
    files.start()
    made = Uploads(business, files, Worker(mine), tmp_path)
    try:
        yield made
    finally:
        made.client.close()
        made.worker.kill()
        files.kill()
        business.kill()


def test_services_are_killed_in_the_middle_of_uploads(
    uploads: Uploads, to_scanner: Network
) -> None:
    contents = [os.urandom(8).hex().encode() * 5000 for _ in range(FILES)]
    with ThreadPoolExecutor(UPLOADERS) as pool:
        sent = [pool.submit(uploads.upload, content) for content in contents]
        done = 0
        for at in (10, 20, 30):
            while done < at:
                done = sum(each.done() for each in sent)
                time.sleep(0.01)
            if at == 20:
                to_scanner.freeze()
            uploads.files.kill()
            uploads.worker.kill()
            uploads.files.start()
            uploads.worker.start()
        to_scanner.heal()
        ids = [each.result(SECONDS) for each in sent]
    eventually(lambda: all(map(uploads.ready, ids)), SECONDS)
    for file_id, content in zip(ids, contents, strict=True):
        assert uploads.file(file_id)["sha256"] == sha256(content).hexdigest()
        assert uploads.content(file_id) == content
    # Whatever a killed process has left behind is of no file, and goes.
    uploads.worker.kill()
    uploads.worker.start(FILES_ORPHAN_HOURS="0.0000001")
    eventually(lambda: len(uploads.objects()) == FILES, 30)


def test_without_a_scanner_nothing_is_ready_and_nothing_is_lost(
    uploads: Uploads, to_scanner: Network
) -> None:
    to_scanner.refuse()
    ids = [uploads.upload(b"hello") for _ in range(5)]
    time.sleep(3)
    assert not any(map(uploads.ready, ids))
    path = f"/api/v1/files/{ids[0]}/content"
    assert uploads.client.get(path, follow_redirects=False).status_code == 409
    to_scanner.heal()
    eventually(lambda: all(map(uploads.ready, ids)), 30)
