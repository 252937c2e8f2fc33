"""Envelope encryption with AES-256-GCM.

An object begins with a header: the four bytes of `MAGIC`, a nonce of 12 bytes, and the key of this
object, encrypted with the master key and bound to the object's name. Pieces of 64 KiB follow, each
encrypted with the key of the object and with a tag of 16 bytes. The nonce of a piece is its number,
and whether it is the last one: pieces cannot be moved, left out or cut off (the construction STREAM
of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
"""

import io
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from business_files.store import Objects
from chassis.errors import ServiceError

MAGIC = b"SCE1"
PIECE = 64 * 1024
TAG = 16
NONCE = 12
HEADER = len(MAGIC) + NONCE + 32 + TAG


class Damaged(ServiceError):
    """An object was modified in the store, or is encrypted with another master key."""


class EncryptedObjects(Objects):
    """Encrypts what is stored in `inner`, and decrypts what is read."""

    def __init__(self, inner: Objects, master_key: str) -> None:
        self.inner = inner
        # Text of any length becomes a key of the length that AES takes.
        self._master = AESGCM(sha256(master_key.encode()).digest())

    async def put(
        self, key: str, content: AsyncIterator[bytes], headers: Mapping[str, str] | None = None
    ) -> None:
        await self.inner.put(key, self._encrypted(key, content), headers)

    async def copy(self, key: str, target: str) -> None:
        # An object is bound to its name.
        await self.put(target, self.read(key))

    async def size(self, key: str) -> int:
        return plain_size(await self.inner.size(key))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        stored = await self.inner.size(key)
        if stored < HEADER + TAG:
            raise Damaged("The content is not encrypted as it should be.")
        size = plain_size(stored)
        end = size if end is None else min(end, size)
        if end <= start:
            return
        header = await _all(self.inner.read(key, 0, HEADER))
        cipher = self._cipher(key, header)
        first, last = start // PIECE, (size - 1) // PIECE
        begin = HEADER + first * (PIECE + TAG)
        stop = min(stored, HEADER + ((end - 1) // PIECE + 1) * (PIECE + TAG))
        number = first
        async with aclosing(self.inner.read(key, begin, stop)) as content:
            async for piece in _pieces(content, PIECE + TAG):
                plain = _decrypt(cipher, piece, number, number == last)
                offset = number * PIECE
                yield plain[max(0, start - offset) : max(0, end - offset)]
                number += 1

    async def delete(self, key: str) -> None:
        await self.inner.delete(key)

    async def list(self, folder: str | None = None) -> AsyncIterator[list[object]]:
        async for part in self.inner.list(folder):
            yield part

    def reader(self, key: str) -> io.BufferedReader:
        file = self.inner.reader(key)
        cipher = self._cipher(key, file.read(HEADER))
        return io.BufferedReader(_Reader(file, cipher))

    async def check(self) -> None:
        await self.inner.check()

    async def _encrypted(self, key: str, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        own, nonce = AESGCM.generate_key(256), os.urandom(NONCE)
        yield MAGIC + nonce + self._master.encrypt(nonce, own, key.encode())
        cipher, number = AESGCM(own), 0
        held: bytes | None = None
        # Delayed by one piece, because only the end of the content shows which piece is the last.
        async for piece in _pieces(content, PIECE):
            if held is not None:
                yield cipher.encrypt(_nonce(number, is_last=False), held, None)
                number += 1
            held = piece
        yield cipher.encrypt(_nonce(number, is_last=True), held or b"", None)

    def _cipher(self, key: str, header: bytes) -> AESGCM:
        if len(header) != HEADER or not header.startswith(MAGIC):
            raise Damaged("The content is not encrypted as it should be.")
        nonce = header[len(MAGIC) : len(MAGIC) + NONCE]
        try:
            own = self._master.decrypt(nonce, header[len(MAGIC) + NONCE :], key.encode())
        except InvalidTag as error:
            raise Damaged("The content cannot be decrypted with this master key.") from error
        return AESGCM(own)


def plain_size(stored: int) -> int:
    """Return how many bytes of content an object of `stored` bytes has."""
    body = stored - HEADER
    return max(0, body - -(-body // (PIECE + TAG)) * TAG)


class _Reader(io.RawIOBase):
    """The content of an encrypted file, which can be sought in."""

    def __init__(self, file: io.BufferedReader, cipher: AESGCM) -> None:
        super().__init__()
        self._file = file
        self._cipher = cipher
        self._size = plain_size(file.seek(0, io.SEEK_END))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("the place is before the beginning of the file")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self._at >= self._size:
            return 0
        number = self._at // PIECE
        self._file.seek(HEADER + number * (PIECE + TAG))
        is_last = number == (self._size - 1) // PIECE
        plain = _decrypt(self._cipher, self._file.read(PIECE + TAG), number, is_last)
        found = plain[self._at - number * PIECE :][: len(view)]
        view[: len(found)] = found
        self._at += len(found)
        return len(found)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return bytes(NONCE - 5) + number.to_bytes(4) + bytes([is_last])


def _decrypt(cipher: AESGCM, piece: bytes, number: int, is_last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, is_last=is_last), piece, None)
    except InvalidTag as error:
        raise Damaged("The content was changed after it was stored.") from error


async def _pieces(content: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Yield content in pieces of `size` bytes; the last one may be smaller."""
    waiting = bytearray()
    async for chunk in content:
        waiting += chunk
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


async def _all(content: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in content])
