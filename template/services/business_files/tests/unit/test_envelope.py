"""Encrypted content: nothing of it is in the store, and nothing of it can be changed there."""

import os
from pathlib import Path

import pytest

from business_files.envelope import HEADER, PIECE, TAG, Damaged, EncryptedObjects, plain_size
from business_files.store import Objects, make_objects
from business_files.testing import chunks
from filestore.settings import StoreSettings

KEY = "document/7"
MASTER = "m" * 48
SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 17]


@pytest.fixture
def inner(tmp_path: Path) -> Objects:
    return make_objects(StoreSettings(folder=tmp_path))


@pytest.fixture
def objects(inner: Objects) -> EncryptedObjects:
    return EncryptedObjects(inner, MASTER)


async def read(objects: Objects, start: int = 0, end: int | None = None, key: str = KEY) -> bytes:
    return b"".join([part async for part in objects.read(key, start, end)])


@pytest.mark.parametrize("size", SIZES)
async def test_content_comes_back(objects: EncryptedObjects, inner: Objects, size: int) -> None:
    content = os.urandom(size)
    await objects.put(KEY, chunks(content[: size // 3], content[size // 3 :]))
    assert await objects.size(KEY) == size == plain_size(await inner.size(KEY))
    assert await read(objects) == content
    for start, end in ((0, 1), (size // 2, size), (size // 3, size // 3 + PIECE), (size, size + 1)):
        assert await read(objects, start, end) == content[start:end]
    with objects.reader(KEY) as file:
        assert file.read() == content
        file.seek(-min(5, size), os.SEEK_END)
        assert file.read() == content[size - min(5, size) :]


async def test_nothing_of_it_is_in_the_store(objects: EncryptedObjects, inner: Objects) -> None:
    await objects.put(KEY, chunks(b"a secret " * 100))
    first = await read(inner)
    assert b"secret" not in first
    await objects.put(KEY, chunks(b"a secret " * 100))
    assert await read(inner) != first


async def stored(inner: Objects, content: bytes) -> None:
    await inner.put(KEY, chunks(content))


async def test_what_was_changed_is_not_given(objects: EncryptedObjects, inner: Objects) -> None:
    await objects.put(KEY, chunks(os.urandom(3 * PIECE)))
    whole = await read(inner)
    piece = PIECE + TAG
    one, two, three = (whole[HEADER + i * piece : HEADER + (i + 1) * piece] for i in range(3))
    head = whole[:HEADER]
    for changed in (
        head + one + two,
        head + two + one + three,
        head + one + three,
        head + one + two + three + three,
        head + one + two + three[:-1] + bytes([three[-1] ^ 1]),
        b"SCE2" + whole[4:],
        whole[:50] + bytes([whole[50] ^ 1]) + whole[51:],
        b"plain",
    ):
        await stored(inner, changed)
        with pytest.raises(Damaged):
            await read(objects)


async def test_an_object_is_bound_to_its_name(objects: EncryptedObjects, inner: Objects) -> None:
    await objects.put(KEY, chunks(b"a"))
    await inner.put("document/8", chunks(await read(inner)))
    with pytest.raises(Damaged):
        await read(objects, key="document/8")


async def test_another_master_key_reads_nothing(objects: EncryptedObjects, inner: Objects) -> None:
    await objects.put(KEY, chunks(b"a"))
    with pytest.raises(Damaged, match="master key"):
        await read(EncryptedObjects(inner, "x" * 48))


def test_the_settings_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILES_ENCRYPTION", "envelope")
    monkeypatch.setenv("FILES_MASTER_KEY", MASTER)
    assert isinstance(make_objects(StoreSettings(folder=tmp_path)), EncryptedObjects)
    monkeypatch.setenv("FILES_ENCRYPTION", "none")
    assert not isinstance(make_objects(StoreSettings(folder=tmp_path)), EncryptedObjects)
