"""Passwords, hashed with Argon2id in threads: it takes tens of milliseconds, on purpose."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from chassis.errors import Invalid, Unavailable

MIN_LENGTH = 12
MAX_LENGTH = 200
# What OWASP's password storage cheat sheet asks for at least: 19 MiB, twice, in one thread.
MEMORY_KIB, TIMES, THREADS = 19_456, 2, 1
AT_A_TIME = 2
# Who is refused at once may try again; who waits in a long queue is given up, and hashed in vain.
UNDER_WAY = 20

_hasher = PasswordHash((Argon2Hasher(TIMES, MEMORY_KIB, THREADS),))
_threads = ThreadPoolExecutor(AT_A_TIME, "passwords")
_places = BoundedSemaphore(UNDER_WAY)
# Verified for a login that nobody has, so that the answer takes as long.
_NOBODY = _hasher.hash("nobody's password")


async def hash_password(password: str) -> str:
    """Return the hash of a new password; raise `Invalid` for one that is easily guessed."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        message = f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters."
        raise Invalid(message, [{"field": "body.password", "message": message}])
    if len(set(password)) < MIN_LENGTH / 3:
        message = "This password repeats itself too much."
        raise Invalid(message, [{"field": "body.password", "message": message}])
    return await _in_thread(lambda: _hasher.hash(password))


async def verify_password(password: str, hashed: str | None) -> bool:
    """Return whether `password` is the one; `hashed` is None where there is nobody to ask."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        is_right = await _in_thread(lambda: _hasher.verify(password, hashed or _NOBODY))
    except UnknownHashError:
        return False
    return is_right and hashed is not None


async def _in_thread[Answer](work: Callable[[], Answer]) -> Answer:
    """Do `work` in a thread of the few; raise `Unavailable` when too much waits for them."""
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many passwords are checked at the moment.")
    done = _threads.submit(work)
    # A request that is given up leaves its work behind, which keeps its place until it is done.
    done.add_done_callback(lambda _: _places.release())
    return await asyncio.shield(asyncio.wrap_future(done))
