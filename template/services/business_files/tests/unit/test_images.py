"""Images are made smaller in a process of their own, which no image can hurt."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from business_files.candidate import Refused
from business_files.images.process import resize
from business_files.images.sizes import SIZES, variant_key
from business_files.main import app
from business_files.scanner import Scanner
from business_files.settings import ScannerSettings, WorkerSettings
from business_files.store import make_objects
from business_files.tasks import reconciling, sweeping
from business_files.testing import FilesInMemory, chunks
from business_files.worker.context import Work
from business_files.worker.verification import Verification
from chassis.testing import service_client
from contracts.files import FileState
from filestore.settings import StoreSettings

PIXELS = 24_000_000
ORIENTATION, GPS = 0x0112, 0x8825


def picture(
    size: tuple[int, int] = (400, 200), kind: str = "JPEG", mode: str = "RGB", **given: Any
) -> bytes:
    """Return an image whose left half is red."""
    image = Image.new(mode, size)
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    file = BytesIO()
    image.save(file, kind, **given)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
async def test_an_image_is_there_in_each_size(kind: str) -> None:
    found = await resize(picture((3000, 1500), kind), PIXELS)
    assert {name: opened(content).size for name, content in found.items()} == {
        "small": (320, 160),
        "medium": (1280, 640),
        "large": (2560, 1280),
    }
    assert {opened(content).format for content in found.values()} == {"WEBP"}


async def test_a_small_image_is_not_enlarged() -> None:
    found = await resize(picture((100, 50)), PIXELS)
    assert {opened(content).size for content in found.values()} == {(100, 50)}


async def test_what_a_camera_wrote_is_gone_and_the_image_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turned to the left when it was taken
    exif.get_ifd(GPS)[1] = "N"
    small = opened((await resize(picture(exif=exif), PIXELS))["small"])
    assert small.size == (160, 320)
    assert not small.getexif()
    assert b"Exif" not in (await resize(picture(exif=exif), PIXELS))["small"]
    red, _, blue = small.convert("RGB").getpixel((80, 10))  # type: ignore[misc]
    assert red > 200 > blue


async def test_transparency_stays() -> None:
    found = opened((await resize(picture(kind="PNG", mode="RGBA"), PIXELS))["small"])
    assert found.mode == "RGBA"


async def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    # Some kilobytes, and 100 million pixels.
    bomb = picture((10_000, 10_000), "PNG", "1")
    assert len(bomb) < 100_000
    with pytest.raises(Refused, match="pixels"):
        await resize(bomb, PIXELS)
    with pytest.raises(Refused, match="within the limits"):
        await resize(picture((13_000, 13_000), "PNG", "1"), 10**12)


@pytest.mark.parametrize("content", [b"", b"no image", picture()[:500], picture(kind="BMP")])
async def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        await resize(content, PIXELS)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    rows: Any = FilesInMemory()
    client: Any = None
    objects = make_objects(StoreSettings(folder=tmp_path))
    settings = WorkerSettings(orphan_hours=1e-9)
    return Work(client, rows, objects, Scanner(ScannerSettings(kind="off")), settings)


async def verified(work: Work, content: bytes) -> UUID:
    rows: Any = work.files
    given = {"declared_type": "image/jpeg", "filename": "me.jpg", "max_size": 10**7}
    file = rows.expect(state=FileState.UPLOADED, key=f"image/{uuid4()}.1", **given)
    await work.objects.put(file.key, chunks(content))
    await Verification(work).verify(file)
    file_id: UUID = file.id
    return file_id


async def test_sizes_come_and_go_with_their_file(work: Work) -> None:
    file = await work.files.get(await verified(work, picture()))
    assert file.state == FileState.READY
    keys = [variant_key(file.key, name) for name in SIZES]
    await reconciling.run(work)
    assert all([await work.objects.size(key) for key in keys])
    rows: Any = work.files
    rows.stored[file.id] = file.model_copy(update={"state": FileState.DELETED})
    await sweeping.run(work)
    for key in keys:
        with pytest.raises(FileNotFoundError):
            await work.objects.size(key)


async def test_sizes_of_no_file_are_deleted(work: Work) -> None:
    key = variant_key("image/nobody", "small")
    await work.objects.put(key, chunks(b"a"))
    await verified(work, picture())
    await reconciling.run(work)
    with pytest.raises(FileNotFoundError):
        await work.objects.size(key)


async def test_an_image_that_cannot_be_decoded_is_rejected(work: Work) -> None:
    file = await work.files.get(await verified(work, picture()[:500]))
    assert (file.state, file.reason) == (FileState.REJECTED, "the image cannot be read")


@pytest.fixture
def client(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("FILES_LINK_KEY", "k" * 48)
    monkeypatch.setenv("FILES_FOLDER", str(tmp_path))
    with service_client(app) as client:
        app.state.files = work.files
        yield client


async def test_a_size_is_served_by_a_link_of_its_own(work: Work, client: TestClient) -> None:
    file_id = await verified(work, picture())
    path = f"/api/v1/content/{file_id}"
    link = app.state.links.sign("GET", f"{path}/variants/small", 60).url
    answer = client.get(link)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["content-disposition"] == 'inline; filename="me-small.webp"'
    assert opened(answer.content).size == (320, 160)
    assert client.get(link.replace("small", "large")).status_code == 403
    of_the_file = app.state.links.sign("GET", path, 60).url
    assert client.get(of_the_file.replace(path, f"{path}/variants/small")).status_code == 403
    other = app.state.links.sign("GET", f"{path}/variants/huge", 60).url
    assert client.get(other).status_code == 404
