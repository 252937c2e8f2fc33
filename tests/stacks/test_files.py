"""File storage is added to an edited project, used on a folder and on a bucket, and taken away."""

import http.client
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from extensions.stages import Combination
from tests.stacks.modules.shop import LINE, OURS
from tests.support.docker import Stack, require_docker, stack
from tests.support.http import call, eventually
from tests.support.project import start

TEXT = b"What is in a file comes back as it was.\n" * 10_000
# A bucket on this machine, to which clients send content directly.
BUCKET = """
COMPOSE_PROFILES=s3
FILES_STORE=s3
FILES_TRANSFER=store
FILES_S3_ENDPOINT=http://seaweedfs:8333
FILES_S3_ACCESS_KEY=test
FILES_S3_SECRET_KEY=of-the-tests
"""


@dataclass(frozen=True)
class Files:
    """The running system with files."""

    stack: Stack
    order: str
    """An order from before there were files."""

    @property
    def api(self) -> str:
        return self.stack.business

    def announce(self, content: bytes, **other: object) -> dict[str, Any]:
        new = {"filename": "note.txt", "content_type": "text/plain", "purpose": "document"}
        given = {**new, "size": len(content), **other}
        answer = call("POST", f"{self.api}/api/v1/uploads", given)
        assert answer.status == 201, answer
        upload: dict[str, Any] = answer.json
        return upload

    def send(self, upload: dict[str, Any], content: bytes) -> bool:
        """Send content to its link, at the port where this stack has the service or the bucket."""
        request = Request(self.here(upload["url"]), content, upload["headers"], method="PUT")
        with urlopen(request, timeout=30) as answer:
            return answer.status in {200, 202}

    def here(self, url: str) -> str:
        parts = urlsplit(url)
        is_bucket = "X-Amz-Signature" in parts.query
        if is_bucket:
            return url
        return f"{self.stack.url('business_files', 8003)}{parts.path}?{parts.query}"

    def file(self, file_id: str) -> Any:
        return call("GET", f"{self.api}/api/v1/files/{file_id}").json

    def state(self, file_id: str) -> str:
        """Return the state of a file, nothing while nobody can tell."""
        return str(self.file(file_id).get("state", ""))

    def begin(self, upload: dict[str, Any]) -> http.client.HTTPConnection:
        """Begin to send TEXT, and return where the rest goes."""
        parts = urlsplit(self.here(upload["url"]))
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connection.putrequest("PUT", f"{parts.path}?{parts.query}")
        connection.putheader("Content-Length", str(len(TEXT)))
        connection.endheaders(TEXT[:1000])
        time.sleep(1)
        return connection

    def objects(self) -> int:
        """Return how many objects are in the folder."""
        count = "find /var/lib/files -type f -not -name '*#*' | wc -l"
        return int(self.stack.execute("files_worker", "sh", "-c", count))

    def verified(self, file_id: str) -> Any:
        eventually(lambda: self.state(file_id) in {"ready", "rejected"}, 120)
        return self.file(file_id)

    def content(self, file_id: str) -> bytes:
        """Read content as a browser does, by the redirect."""
        parts = urlsplit(self.api)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        headers = {"X-Subject": "customer-1"}
        connection.request("GET", f"/api/v1/files/{file_id}/content", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 307, answer.read()
        with urlopen(self.here(answer.headers["Location"]), timeout=30) as content:
            return bytes(content.read())

    def upload(self, content: bytes, **other: object) -> Any:
        upload = self.announce(content, **other)
        self.send(upload, content)
        call("POST", f"{self.api}/api/v1/uploads/{upload['id']}/complete")
        return self.verified(upload["id"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """A project of level 1 with an order and a route of the team, which then got files."""
    require_docker()
    project = start(tmp_path_factory.mktemp("files") / "shop", Combination(1))
    project.append("services/business_api/src/business_api/main.py", OURS)
    project.lock()
    project.commit("A route of ours, and the lock")
    with stack(project) as running:
        running.up()
        placed = call("POST", f"{running.business}/api/v1/orders", {"lines": [LINE]})
        moved = project.make("upgrade", "MODULE=file_storage")
        assert "Moved, without a conflict" in moved.stderr
        project.commit("Files")
        running.up()
        yield Files(running, placed.json["id"])


def test_a_file_of_an_order_comes_back(files: Files) -> None:
    file = files.upload(TEXT, subject={"type": "order", "id": files.order})
    assert (file["state"], file["size"]) == ("ready", len(TEXT))
    assert file["sha256"] == sha256(TEXT).hexdigest()
    assert files.content(file["id"]) == TEXT
    query = f"subject_type=order&subject_id={files.order}"
    (listed,) = call("GET", f"{files.api}/api/v1/files?{query}").json["items"]
    assert listed["id"] == file["id"]
    assert call("GET", f"{files.api}/hello/ada").json == "ada"


def test_content_whose_row_was_not_written_is_sent_again(files: Files) -> None:
    """The data service goes away between the last byte and the row."""
    upload = files.announce(TEXT)
    before = files.objects()
    connection = files.begin(upload)
    files.stack.stop("data_postgres_api", timeout=1)
    connection.send(TEXT[1000:])
    assert connection.getresponse().status == 503
    # And the service itself, in the middle of the content.
    files.stack.start("data_postgres_api")
    eventually(lambda: files.state(upload["id"]) == "pending")
    files.begin(upload)
    files.stack.kill("business_files")
    files.stack.start("business_files")
    eventually(lambda: files.send(upload, TEXT))
    assert files.verified(upload["id"])["state"] == "ready"
    # Nobody could know whether the row was written, so the first attempt is there until the sweep.
    assert files.objects() == before + 2


def test_without_a_scanner_nothing_is_ready(files: Files) -> None:
    files.stack.stop("clamav", timeout=1)
    upload = files.announce(TEXT)
    files.send(upload, TEXT)
    time.sleep(2)
    assert files.file(upload["id"])["state"] in {"uploaded", "scanning"}
    assert call("GET", f"{files.api}/api/v1/files/{upload['id']}/content").status == 409
    files.stack.start("clamav")
    assert files.verified(upload["id"])["state"] == "ready"


@pytest.fixture(scope="module")
def bucket(files: Files) -> Files:
    """The same system, with a bucket for what is uploaded from now on."""
    project = files.stack.project
    project.write(".env", project.read(".env") + BUCKET)
    files.stack.up()
    published = files.stack.url("seaweedfs", 8333)
    project.write(".env", project.read(".env") + f"FILES_S3_PUBLIC_ENDPOINT={published}\n")
    files.stack.up()

    def takes_content() -> bool:
        upload = files.announce(TEXT)
        return files.send(upload, TEXT)

    eventually(takes_content, 60)
    return files


def test_clients_send_content_to_the_bucket_itself(bucket: Files) -> None:
    file = bucket.upload(TEXT, sha256=sha256(TEXT).hexdigest())
    assert (file["state"], file["size"]) == ("ready", len(TEXT))
    assert bucket.content(file["id"]) == TEXT


def test_a_bucket_does_not_take_more_than_was_announced(bucket: Files) -> None:
    upload = bucket.announce(TEXT)
    with pytest.raises(OSError, match="403"):
        bucket.send(upload, TEXT + b"!")
    assert bucket.file(upload["id"])["state"] == "pending"


def test_a_module_that_is_taken_away_leaves_a_copy(files: Files) -> None:
    project = files.stack.project
    settings = project.read(".env").partition("\nCOMPOSE_PROFILES")[0] + "\n"
    project.write(".env", settings)
    done = project.make("downgrade", "MODULE=file_storage", environment=files.stack.environment)
    assert "Taking away the tables of files" in done.stderr
    (copy,) = (project.path / "backups").glob("files-*.tar")
    with tarfile.open(copy) as archive:
        sizes = [member.size for member in archive.getmembers() if member.isfile()]
    assert len(TEXT) in sizes
    assert not (project.path / "services/business_files").exists()
    project.commit("Without files")
    files.stack.up()
    assert files.stack.sql("SELECT to_regclass('files'), to_regclass('file_attachments')") == "|"
    assert call("GET", f"{files.api}/api/v1/orders/{files.order}").status == 200
    assert files.stack.services() == {"business_api", "data_postgres_api", "postgres"}
