"""Logins in Redis, so that every replica knows them and a restart ends none."""

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from business_api.identity.settings import IssuerSettings
from chassis.errors import Unavailable
from chassis.security.revocation import Revocations

CODE_SECONDS = 60
MAX_SESSIONS = 20
MAX_FAMILIES = 20
# Two tabs of one browser may refresh at the same moment: for some seconds the token that was
# replaced gets the same successor again. After that, or once the successor was used, it is a copy.
# Takes the hashes of the given token and of its successor, the salt of the successor, and those
# seconds. Returns the salt of the successor that counts, or nothing when the token is a copy.
ROTATE = """
local now = tonumber(redis.call('TIME')[1])
local family = redis.call('HMGET', KEYS[1], 'current', 'previous', 'salt', 'rotated')
if family[1] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'current', ARGV[2], 'previous', ARGV[1], 'salt', ARGV[3],
    'rotated', now)
  return ARGV[3]
end
if family[2] == ARGV[1] and now - tonumber(family[4]) < tonumber(ARGV[4]) then
  return family[3]
end
return false
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A login of a person; times are seconds since the epoch."""

    id: str
    user: str
    created: float
    used: float
    network: str
    agent: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What an authorization code or a refresh token stands for."""

    session: str
    client: str
    redirect_uri: str = ""
    challenge: str = ""
    nonce: str = ""
    scope: str = ""


class Reused(Exception):
    """A code or refresh token was used a second time, so somebody has a copy of it."""

    def __init__(self, session: str) -> None:
        super().__init__(session)
        self.session = session


def _hash(secret: str) -> str:
    """Return the name of a secret in Redis: who reads it there cannot use it."""
    return sha256(secret.encode()).hexdigest()


def _successor(secret: str, salt: str) -> str:
    """Return the secret that replaces `secret`: nobody finds it with what is in Redis alone."""
    digest = hmac.digest(secret.encode(), salt.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


@asynccontextmanager
async def _reached() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable("The sessions cannot be reached.") from error


class Sessions:
    """Begins, finds and ends logins; every method raises `Unavailable` without Redis."""

    def __init__(self, redis: Redis, settings: IssuerSettings, revocations: Revocations) -> None:
        self._redis = redis
        self._rotate = redis.register_script(ROTATE)
        self._settings = settings
        self._revocations = revocations

    async def begin(self, user: str, network: str, agent: str) -> tuple[Session, str]:
        """Begin a login; return it, and the secret that its cookie holds."""
        now = time.time()
        session = Session(secrets.token_urlsafe(16), user, now, now, network, agent[:200])
        cookie = secrets.token_urlsafe(32)
        async with _reached(), self._redis.pipeline() as pipeline:
            idle, absolute = self._left(session)
            pipeline.set(f"session:{session.id}", json.dumps(asdict(session)), ex=idle)
            pipeline.set(f"cookie:{_hash(cookie)}", session.id, ex=absolute)
            pipeline.zadd(f"sessions:{user}", {session.id: now})
            pipeline.expire(f"sessions:{user}", absolute)
            pipeline.zrange(f"sessions:{user}", 0, -MAX_SESSIONS - 1)
            *_, too_many = await pipeline.execute()
        for oldest in map(str, too_many):
            await self.end(oldest)
        return session, cookie

    async def of_cookie(self, cookie: str) -> Session | None:
        """Return the login of a cookie, and note that it was used."""
        async with _reached():
            session_id = await self._get(f"cookie:{_hash(cookie)}")
        return None if session_id is None else await self.use(session_id)

    async def use(self, session_id: str) -> Session | None:
        """Return a login that has neither ended nor idled for too long; note that it was used."""
        async with _reached():
            session = await self._find(session_id)
            if session is None:
                return None
            idle, absolute = self._left(session)
            if absolute <= 0:
                return None
            used = json.dumps(asdict(session) | {"used": time.time()})
            # Only if it is still there: it may have been ended since it was read.
            await self._redis.set(f"session:{session_id}", used, ex=min(idle, absolute), xx=True)
        return session

    async def of_user(self, user: str) -> list[Session]:
        """Return all logins of a person, the newest first."""
        async with _reached():
            ids = await self._redis.zrevrange(f"sessions:{user}", 0, -1)
            found = [(session_id, await self._find(session_id)) for session_id in map(str, ids)]
            gone = [session_id for session_id, session in found if session is None]
            if gone:
                await self._redis.zrem(f"sessions:{user}", *gone)
        return [session for _, session in found if session is not None]

    async def end(self, session_id: str) -> None:
        """End a login: its cookie, its refresh tokens, and within seconds its access tokens."""
        async with _reached(), self._redis.pipeline() as pipeline:
            session = await self._find(session_id)
            # All of it or nothing: what is half ended would come to life again.
            self._revocations.add(pipeline, [session_id])
            pipeline.delete(f"session:{session_id}")
            if session is not None:
                pipeline.zrem(f"sessions:{session.user}", session_id)
            await pipeline.execute()

    async def end_all(self, user: str) -> None:
        """End every login of a person."""
        for session in await self.of_user(user):
            await self.end(session.id)

    async def issue_code(self, grant: Grant) -> str:
        """Return an authorization code that stands for `grant` once."""
        secret = secrets.token_urlsafe(32)
        async with _reached():
            await self._redis.set(
                f"code:{_hash(secret)}", json.dumps(asdict(grant)), ex=CODE_SECONDS
            )
        return secret

    async def grant_of_code(self, code: str) -> Grant | None:
        """Return the grant of `code`, also when it was used; None if the code is unknown."""
        async with _reached():
            stored = await self._get(f"code:{_hash(code)}")
        return None if stored is None else Grant(**_object(stored))

    async def redeem(self, code: str) -> Grant | None:
        """Return what `code` stands for, None for nothing; the second time raises `Reused`."""
        name = _hash(code)
        async with _reached():
            stored = await self._get(f"code:{name}")
            if stored is None:
                return None
            grant = Grant(**_object(stored))
            # Kept for longer than the code, so that a second use is seen.
            first = await self._redis.set(f"used:{name}", "", nx=True, ex=2 * CODE_SECONDS)
        if not first:
            raise Reused(grant.session)
        return grant

    async def begin_refreshing(self, grant: Grant, session: Session) -> str:
        """Return a refresh token, the first of a family; a session has few families."""
        family, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        _, left = self._left(session)
        families = f"families:{session.id}"
        async with _reached(), self._redis.pipeline() as pipeline:
            pipeline.hset(f"refresh:{family}", "grant", json.dumps(asdict(grant)))
            pipeline.hset(f"refresh:{family}", "current", _hash(secret))
            pipeline.expire(f"refresh:{family}", max(1, left))
            pipeline.zadd(families, {family: time.time()})
            pipeline.expire(families, max(1, left))
            pipeline.zrange(families, 0, -MAX_FAMILIES - 1)
            *_, too_many = await pipeline.execute()
            if too_many:
                await self._redis.delete(*(f"refresh:{name}" for name in too_many))
                await self._redis.zrem(families, *too_many)
        return f"{family}.{secret}"

    async def grant_of(self, token: str) -> Grant | None:
        """Return what the family of a refresh token stands for, None for nothing."""
        family = token.partition(".")[0]
        async with _reached():
            stored = await self._redis.hget(f"refresh:{family[:64]}", "grant")
        return None if stored is None else Grant(**_object(str(stored)))

    async def rotate(self, token: str, client: str) -> tuple[Grant, str] | None:
        """Return the grant of a refresh token of `client`, and the token's successor.

        None if the token is unknown. A token that was used before raises `Reused`, except within
        `refresh_grace_seconds` of its first use: then the successor is the same.
        """
        grant = await self.grant_of(token)
        if grant is None or grant.client != client:
            return None
        family, _, secret = token.partition(".")
        salt = secrets.token_urlsafe(32)
        hashes = [_hash(secret), _hash(_successor(secret, salt))]
        async with _reached():
            found = await self._rotate(
                keys=[f"refresh:{family}"],
                args=[*hashes, salt, self._settings.refresh_grace_seconds],
            )
        if not found:
            raise Reused(grant.session)
        return grant, f"{family}.{_successor(secret, str(found))}"

    def _left(self, session: Session) -> tuple[int, int]:
        """Return after how many seconds the login ends if it idles, and in any case."""
        absolute = session.created + self._settings.session_absolute_seconds - time.time()
        return min(self._settings.session_idle_seconds, max(1, int(absolute))), int(absolute)

    async def _find(self, session_id: str) -> Session | None:
        stored = await self._get(f"session:{session_id}")
        return None if stored is None else Session(**_object(stored))

    async def _get(self, name: str) -> str | None:
        stored = await self._redis.get(name)
        return None if stored is None else str(stored)


def _object(text: str) -> Mapping[str, Any]:
    content: dict[str, Any] = json.loads(text)
    return content
