"""Links to images in smaller sizes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from business_api.files import router
from business_api.files.router import get_files, get_links
from business_api.main import app
from chassis.testing import service_client
from contracts.files import FileState, StoredFile

IMAGE = StoredFile(
    id=UUID(int=7),
    owner="somebody",
    purpose="image",
    filename="me.jpg",
    declared_type="image/jpeg",
    content_type="image/jpeg",
    size=11,
    max_size=100,
    sha256=None,
    key="image/7",
    state=FileState.READY,
    reason=None,
    version=1,
    created_at=datetime.now(UTC),
    updated_at=datetime.now(UTC),
    attachments=(),
)


class OneFile:
    """The port to one file."""

    def __init__(self, file: StoredFile) -> None:
        self.file = file

    async def get(self, file_id: UUID) -> StoredFile:
        return self.file


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("FILES_LINK_KEY", "k" * 48)
    get_links.cache_clear()
    # What other levels hook into this has tests of its own.
    monkeypatch.setattr(router, "find_hooks", lambda *_: [])
    with service_client(app) as client:
        yield client
    app.dependency_overrides.clear()
    get_links.cache_clear()


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ({}, "small", 307),
        ({}, "huge", 422),
        ({"content_type": "application/pdf"}, "small", 409),
        ({"state": FileState.SCANNING}, "small", 409),
    ],
)
def test_only_images_that_are_ready_have_sizes(
    client: TestClient, change: dict[str, object], name: str, status: int
) -> None:
    app.dependency_overrides[get_files] = lambda: OneFile(IMAGE.model_copy(update=change))
    path = f"/api/v1/files/{IMAGE.id}/variants/{name}"
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == status
    if status == 307:
        wanted = f"/api/v1/content/{IMAGE.id}/variants/small?"
        assert answer.headers["location"].startswith(wanted)
