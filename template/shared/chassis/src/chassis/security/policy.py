"""The policy: which permission a route asks for, and which permissions a role has.

It is data, in the TOML files of a service's folder `policies`. A route that no line names is
refused.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated

from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.routing import BaseRoute, Mount

from chassis.security.principal import Reach
from chassis.settings import SettingsError

PUBLIC = "public"
AUTHENTICATED = "authenticated"
EVERYTHING = "*"
# What a mounted application may be asked, each with a line of its own.
MOUNTED = {"DELETE", "GET", "PATCH", "POST", "PUT"}

Permission = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z_]+(:[a-z_]+)?)$")]
Line = Annotated[str, StringConstraints(pattern=r"^[A-Z]+ /\S*$")]


class Role(BaseModel):
    """What a role may do with what is its holder's `own`, and with what is anybody's (`all`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    own: frozenset[Permission] = frozenset()
    all: frozenset[Permission] = frozenset()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    routes: dict[Line, Permission] = {}
    roles: dict[str, Role] = {}


@dataclass(frozen=True)
class Policy:
    """All files of a service together: `"GET /api/v1/notes"` to permission, name to roles."""

    routes: Mapping[str, str]
    roles: Mapping[str, tuple[Role, ...]]

    def permission(self, line: str) -> str | None:
        """Return what `line` asks for; None when no line names it."""
        return self.routes.get(line)

    def reach(self, roles: Iterable[str], permission: str) -> Reach | None:
        """Return how far `roles` may use `permission`; None when they have it not at all."""
        held = [role for name in roles for role in self.roles.get(name, ())]
        if any(permission in role.all or EVERYTHING in role.all for role in held):
            return "all"
        if permission == AUTHENTICATED or any(permission in role.own for role in held):
            return "own"
        return None


class Everything(Policy):
    """Lets every caller who is known do everything; for tests of routes, not of who may."""

    def permission(self, line: str) -> str | None:
        return super().permission(line) or AUTHENTICATED

    def reach(self, roles: Iterable[str], permission: str) -> Reach | None:
        return "all"


def load_policy(package: str) -> Policy:
    """Read the policies of `package`; a line that is wrong or there twice is an error."""
    routes: dict[str, str] = {}
    roles: dict[str, tuple[Role, ...]] = {}
    for file in sorted(files(package).joinpath("policies").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            content = _File.model_validate(tomllib.loads(file.read_text()))
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise SettingsError(f"policies/{file.name}: {error}") from None
        if twice := sorted(routes.keys() & content.routes.keys()):
            raise SettingsError(f"policies/{file.name}: another file has {', '.join(twice)} too.")
        routes |= content.routes
        for name, role in content.roles.items():
            roles[name] = (*roles.get(name, ()), role)
    return Policy(routes, roles)


def lines_of(routes: Sequence[BaseRoute]) -> list[str]:
    """Return the lines that would name all `routes`; one that cannot be named is never reached."""
    return [
        f"{method} {context.path_format or context.path}"
        for context in iter_route_contexts(routes)
        for method in sorted(_methods(context) - {"HEAD"})
    ]


def _methods(context: RouteContext) -> set[str]:
    """Return the methods of a route; a mount takes them all."""
    if context.methods:
        return set(context.methods)
    return MOUNTED if isinstance(context.original_route, Mount) else {"WEBSOCKET"}
