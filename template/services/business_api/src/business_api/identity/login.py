"""Whether a login and a password belong together, and how often that may be tried."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from business_api.identity.denials import Denials
from business_api.identity.gateway import AuditGateway, IdentityGateway
from business_api.identity.metrics import LOGINS
from business_api.identity.passwords import verify_password
from business_api.identity.schemas import normalized
from business_api.identity.settings import IssuerSettings
from chassis.errors import NotFound, ServiceError, Unavailable
from chassis.redis import RedisSettings
from contracts.audit import AuditEvent
from contracts.identity import StoredUser

# Times the failures of one login from one network: a stranger elsewhere must not be able to lock
# somebody out, and nobody may try one password with every login.
FROM_ANYWHERE = 10
FROM_A_NETWORK = 50


class TooManyAttempts(Exception):
    """Too many attempts; `seconds` is how long to wait at most."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Logins:
    """Checks passwords; attempts are counted for each login, network and both, and audited."""

    def __init__(
        self,
        identity: IdentityGateway,
        audit: AuditGateway,
        denials: Denials,
        settings: IssuerSettings,
        redis: RedisSettings,
    ) -> None:
        self._identity = identity
        self._audit = audit
        self._denials = denials
        failures, window = settings.login_failures, settings.login_window_seconds
        self._seconds = window
        self._here = RateLimitItemPerSecond(failures, window, "here")
        self._anywhere = RateLimitItemPerSecond(failures * FROM_ANYWHERE, window, "anywhere")
        self._network = RateLimitItemPerSecond(failures * FROM_A_NETWORK, window, "network")
        self._limiter = FixedWindowRateLimiter(
            RedisStorage(
                f"async+redis://{redis.host}:{redis.port}",
                implementation="redispy",
                key_prefix="logins",
                password=redis.password.get_secret_value(),
                socket_timeout=redis.timeout_seconds,
                socket_connect_timeout=redis.timeout_seconds,
            )
        )

    async def check(self, login: str, password: str, network: str) -> StoredUser | None:
        """Return the user when the password is right and the user active, else None.

        Raises `TooManyAttempts`, and `Unavailable` when it cannot be checked or audited.
        """
        name = normalized(login)
        await self._count("login", name, network)
        try:
            user = await self._find(name)
        except ServiceError:
            await self._take_back(name, network)  # nothing was tried
            raise
        return user if await self._is_right("login", name, user, password, network) else None

    async def confirm(self, user: StoredUser, password: str, network: str) -> bool:
        """Return whether who has logged in knows the password too; raises what `check` raises."""
        await self._count("password", user.login, network)
        return await self._is_right("password", user.login, user, password, network)

    async def _is_right(
        self, action: str, name: str, user: StoredUser | None, password: str, network: str
    ) -> bool:
        is_right = await verify_password(password, user.password_hash if user else None)
        if user is not None and is_right and user.active:
            LOGINS.labels(action, "accepted").inc()
            await self._forget(name, network)
            return True
        LOGINS.labels(action, "refused").inc()
        await self._audit.append(
            AuditEvent(
                action=action,
                outcome="refused",
                who=user.id if user else None,
                detail=_reason(user, is_right),
                network=network,
            )
        )
        return False

    async def _find(self, name: str) -> StoredUser | None:
        try:
            return await self._identity.user_of_login(name)
        except NotFound:
            return None

    async def _count(self, action: str, name: str, network: str) -> None:
        """Count an attempt before it is made, so that many at once are not one."""
        who = _counted_as(name)
        async with _counted():
            may_try = (
                await self._limiter.hit(self._network, network)
                and await self._limiter.hit(self._here, who, network)
                and await self._limiter.hit(self._anywhere, who)
            )
        if not may_try:
            LOGINS.labels(action, "limited").inc()
            self._denials.note("login", "too many attempts", None, network)
            raise TooManyAttempts(self._seconds)

    async def _take_back(self, name: str, network: str) -> None:
        """Do not count one attempt; those before it stay counted."""
        who = _counted_as(name)
        counted = ((self._network, network), (self._here, who, network), (self._anywhere, who))
        with suppress(Unavailable):
            async with _counted():
                for item, *ids in counted:
                    key, seconds = item.key_for(*ids), item.get_expiry()
                    await self._limiter.storage.incr(key, seconds, amount=-1)

    async def _forget(self, name: str, network: str) -> None:
        """Forget the attempts of who has come in; if that fails, they count for a while."""
        who = _counted_as(name)
        with suppress(Unavailable):
            async with _counted():
                await self._limiter.clear(self._here, who, network)
                await self._limiter.clear(self._anywhere, who)


def _counted_as(name: str) -> str:
    """Return what attempts are counted by: a login may be an address, and need not be known."""
    return sha256(name.encode()).hexdigest()[:32]


@asynccontextmanager
async def _counted() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable("Attempts to log in cannot be counted.") from error


def _reason(user: StoredUser | None, is_right: bool) -> str:
    if user is None:
        return "nobody has this login"
    return "the user may not log in" if is_right else "wrong password"
