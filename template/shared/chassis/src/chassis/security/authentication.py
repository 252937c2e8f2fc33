"""Who calls, and whether they may: decided before anything of the request's body is read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from re import Pattern
from typing import Protocol

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from prometheus_client import Counter
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.errors import Unavailable
from chassis.problems import problem
from chassis.security.policy import PUBLIC, Policy
from chassis.security.principal import Principal, network_of, set_principal
from chassis.security.tokens import InvalidToken

REALM = "api"

REFUSED = Counter(
    "requests_refused_total",
    "Requests that the guard refused, by the reason.",
    ["reason"],
)
NO_TOKEN, INVALID_TOKEN, NOT_PERMITTED, NOT_NAMED, NOT_KNOWN = REASONS = (
    "no token",
    "invalid token",
    "not permitted",
    "not named by the policy",
    "nobody can tell",
)
# A rate does not see where a series begins.
for reason in REASONS:
    REFUSED.labels(reason)


class Authenticator(Protocol):
    """Turns a bearer token into whom it names."""

    async def authenticate(self, token: str) -> Principal:
        """Return the principal; raise `InvalidToken`, or `Unavailable` when nobody can tell."""
        ...


Denied = Callable[[Scope, Principal | None, str], None]
"""Is told of every refusal of somebody who gave a token."""


def bearer_token(scope: Scope) -> str | None:
    """Return the token of `Authorization: Bearer`, None without one; raise `InvalidToken`."""
    given: list[bytes] = [value for name, value in scope["headers"] if name == b"authorization"]
    if not given:
        return None
    scheme, _, token = given[0].decode("latin-1").partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("Send one header: Authorization: Bearer, and a token.")
    return token.strip()


def unauthenticated(detail: str, error: str | None = None) -> JSONResponse:
    """Return 401 with the challenge of RFC 6750; `error` only for a token that was there."""
    challenge = f'Bearer realm="{REALM}"'
    if error is not None:
        challenge += f', error="{error}", error_description="{detail}"'
    return problem(401, detail, headers={"WWW-Authenticate": challenge})


def forbidden(detail: str, permission: str) -> JSONResponse:
    """Return 403 with the challenge of RFC 6750."""
    challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{permission}"'
    return problem(403, detail, headers={"WWW-Authenticate": challenge})


def not_now(error: Unavailable) -> JSONResponse:
    """Return 503 for a token of which nobody can say at the moment whether it is good."""
    return problem(error.status, error.detail, headers={"Retry-After": "5"})


@dataclass(frozen=True, slots=True)
class _Route:
    template: str
    prefix: str
    matches: Pattern[str]
    methods: frozenset[str] | None

    def fits(self, path: str) -> bool:
        """Return whether the route has this path. The prefix rules out most routes at once."""
        return path.startswith(self.prefix) and self.matches.match(path) is not None


class GuardMiddleware:
    """Lets through what a line of the policy names and the caller's roles permit."""

    def __init__(self, app: ASGIApp, denied: Denied) -> None:
        self._app = app
        self._denied = denied
        self._routes: list[_Route] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        set_principal(None)
        refusal = await self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> JSONResponse | None:
        policy: Policy = scope["app"].state.policy
        method = scope.get("method", "WEBSOCKET")
        method = "GET" if method == "HEAD" else method  # who may read may ask whether it is there
        found = [route for route in self._table(scope["app"]) if route.fits(scope["path"])]
        route = next((r for r in found if r.methods is None or method in r.methods), None)
        line = None if route is None else f"{method} {route.template}"
        permission = None if line is None else policy.permission(line)
        if permission == PUBLIC:
            return None
        try:
            principal = await self._principal(scope)
        except Unavailable as error:
            REFUSED.labels(NOT_KNOWN).inc()
            return not_now(error)
        except InvalidToken as error:
            REFUSED.labels(INVALID_TOKEN).inc()
            self._denied(scope, None, str(error))
            return unauthenticated(str(error), "invalid_token")
        if principal is None:
            REFUSED.labels(NO_TOKEN).inc()
            return unauthenticated(
                "This needs a token: log in, and send it as Authorization: Bearer."
            )
        principal = replace(principal, network=network_of(scope))
        set_principal(principal)
        if line is None:
            return _not_there(scope, found)
        if permission is None:
            REFUSED.labels(NOT_NAMED).inc()
            self._denied(scope, principal, f"no line of the policy names {line}")
            return forbidden(f'No line of the policy names "{line}".', "none")
        reach = policy.reach(principal.roles, permission)
        if reach is None:
            REFUSED.labels(NOT_PERMITTED).inc()
            self._denied(scope, principal, f"lacks {permission}")
            return forbidden(f"This needs the permission {permission}.", permission)
        set_principal(replace(principal, reach=reach))
        return None

    async def _principal(self, scope: Scope) -> Principal | None:
        token = bearer_token(scope)
        if token is None:
            return None
        authenticator: Authenticator = scope["app"].state.authenticator
        return await authenticator.authenticate(token)

    def _table(self, app: FastAPI) -> list[_Route]:
        """Return the routes in their order; what the framework cannot name is in no line."""
        if self._routes is None:
            self._routes = [
                _Route(
                    context.path_format or context.path or "",
                    (context.path_format or context.path or "").partition("{")[0],
                    context.path_regex,
                    None if context.methods is None else frozenset(context.methods),
                )
                for context in iter_route_contexts(app.routes)
                if hasattr(context, "path_regex")
            ]
        return self._routes


def _not_there(scope: Scope, found: list[_Route]) -> JSONResponse:
    """Answer here, as the router would: what the table does not know must not reach it."""
    path = scope["path"]
    if not found:
        return problem(HTTPStatus.NOT_FOUND, f"There is nothing at {path}.")
    allowed = ", ".join(sorted({method for route in found for method in route.methods or ()}))
    detail = f"{path} takes {allowed}, not {scope.get('method', 'WebSocket')}."
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed})
