"""The virus scanner: clamd, through its INSTREAM command."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

from business_files.settings import ScannerSettings
from chassis.errors import Unavailable

MAX_REPLY = 4096


class Infected(Exception):
    """The scanner found a signature; the argument is its name."""


class TooLarge(Exception):
    """The content exceeds the size limit of the scanner."""


class Scanner:
    """Scans content with clamd. A missing verdict is an error, so the check fails closed."""

    def __init__(self, settings: ScannerSettings) -> None:
        self._settings = settings

    async def scan(self, content: AsyncIterator[bytes]) -> None:
        """Return when `content` was read to its end and is clean.

        Raises `Infected`, `TooLarge`, `Unavailable` without a verdict in time, and every error of
        `content`.
        """
        if self._settings.kind == "off":
            async for _ in content:
                pass
            return
        with await self._connect() as connection:
            try:
                async with asyncio.timeout(self._settings.scan_seconds):
                    reply = await _ask(connection, content)
            except TimeoutError as error:
                raise Unavailable("The virus scanner did not answer in time.") from error
        _judge(reply)

    async def check(self) -> None:
        """Raise `Unavailable` unless the scanner answers."""
        if self._settings.kind == "off":
            return
        with await self._connect() as connection:
            try:
                async with asyncio.timeout(self._settings.connect_seconds):
                    await asyncio.get_running_loop().sock_sendall(connection, b"zPING\0")
                    reply = await _reply(connection)
            except (TimeoutError, OSError) as error:
                raise Unavailable("The virus scanner does not answer.") from error
        if reply != "PONG":
            raise Unavailable("The virus scanner gave an answer of the wrong shape.")

    async def _connect(self) -> socket.socket:
        settings, loop = self._settings, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(settings.connect_seconds):
                found = await loop.getaddrinfo(
                    settings.host, settings.port, type=socket.SOCK_STREAM
                )
                family, kind, protocol, _, address = found[0]
                connection = socket.socket(family, kind, protocol)
                connection.setblocking(False)
                try:
                    await loop.sock_connect(connection, address)
                except BaseException:
                    connection.close()
                    raise
                return connection
        except (OSError, TimeoutError) as error:
            raise Unavailable("The virus scanner cannot be reached.") from error


async def _ask(connection: socket.socket, content: AsyncIterator[bytes]) -> str:
    # On the raw socket: clamd answers early and closes the connection, so a send can fail while the
    # verdict is readable. A stream of asyncio would discard it.
    loop = asyncio.get_running_loop()
    reply = asyncio.ensure_future(_reply(connection))
    try:
        with suppress(ConnectionError):
            await loop.sock_sendall(connection, b"zINSTREAM\0")
        async for chunk in content:
            if reply.done():
                break
            with suppress(ConnectionError):
                await loop.sock_sendall(connection, len(chunk).to_bytes(4) + chunk)
        else:
            with suppress(ConnectionError):
                await loop.sock_sendall(connection, bytes(4))
        return await reply
    finally:
        reply.cancel()


async def _reply(connection: socket.socket) -> str:
    loop, reply = asyncio.get_running_loop(), b""
    try:
        while not reply.endswith(b"\0") and len(reply) < MAX_REPLY:
            more = await loop.sock_recv(connection, MAX_REPLY)
            if not more:
                break
            reply += more
    except OSError as error:
        raise Unavailable("The virus scanner broke the connection off.") from error
    if not reply:
        raise Unavailable("The virus scanner broke the connection off.")
    return reply.rstrip(b"\0").decode("utf-8", "replace").removeprefix("stream: ")


def _judge(reply: str) -> None:
    if reply == "OK":
        return
    if reply.endswith(" FOUND"):
        raise Infected(reply.removesuffix(" FOUND"))
    if "size limit exceeded" in reply:
        raise TooLarge
    raise Unavailable(f"The virus scanner gave no verdict: {reply[:100]}")
