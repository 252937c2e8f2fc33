"""Commands for operators: `python -m business_api.identity admin|token|policy`; see `make help`."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from business_api.identity.gateway import AuditGateway, IdentityGateway
from business_api.identity.passwords import hash_password
from business_api.identity.schemas import normalized
from business_api.identity.sessions import Sessions
from business_api.identity.settings import IssuerSettings
from business_api.identity.tokens import TokenIssuer
from business_api.settings import DataServiceSettings
from chassis.client import ServiceClient
from chassis.errors import NotFound, ServiceError
from chassis.redis import RedisSettings, connect
from chassis.security.policy import lines_of, load_policy
from chassis.security.principal import Principal
from chassis.security.revocation import REMEMBER_SECONDS, Revocations
from chassis.security.service_tokens import service_token, sign_calls_as
from chassis.settings import read_settings
from contracts.audit import AuditEvent
from contracts.identity import NewUser, UserChange

OPERATOR = "operator"


@asynccontextmanager
async def data_service() -> AsyncIterator[ServiceClient]:
    """A client of the data service, which is called as this service."""
    sign_calls_as("business_api")
    settings = read_settings(DataServiceSettings)
    async with ServiceClient("data service", str(settings.url), settings.timeout_seconds) as client:
        yield client


async def make_admin(login: str, password: str) -> str:
    """Add an administrator; one that is there gets the password and the role again."""
    hashed = await hash_password(password)
    async with data_service() as client:
        users = IdentityGateway(client)
        try:
            found = await users.user_of_login(login)
        except NotFound:
            new = NewUser(login=login, roles=("administrator",), password_hash=hashed)
            user = await users.create_user(uuid4().hex, new)
            return f"{user.login} can log in, as an administrator."
        roles = tuple(sorted({*found.roles, "administrator"}))
        change = UserChange(roles=roles, active=True, password_hash=hashed)
        await users.change_user(found.id, change)
        await end_sessions(found.id)
        return f"{found.login} was there already: password and role are set anew."


async def end_sessions(user: str) -> None:
    """End every session of a user, who may be somebody else by now."""
    settings = read_settings(IssuerSettings)
    async with connect(read_settings(RedisSettings)) as redis:
        revocations = Revocations(redis, REMEMBER_SECONDS, grace_seconds=0)
        await Sessions(redis, settings, revocations).end_all(user)


async def make_token(subject: str, roles: list[str]) -> str:
    """Return an access token for `subject`; that it was made is in the audit log."""
    issuer = TokenIssuer(read_settings(IssuerSettings))
    async with data_service() as client:
        event = AuditEvent(action="token.operator", who=subject, detail=f"roles {' '.join(roles)}")
        await AuditGateway(client).append(event)
    return issuer.access_token(subject, roles, OPERATOR)[0]


async def make_data_token(subject: str) -> str:
    """Return a token for the data service, which lives for a minute; it is in the audit log too."""
    async with data_service() as client:
        event = AuditEvent(action="token.operator", who=subject, detail="for the data service")
        await AuditGateway(client).append(event)
    return service_token("data service", Principal(subject, reach="all"))


def print_policy() -> int:
    """Print every route and what it asks for; return 1 when one has no line, and is refused."""
    from business_api.main import app

    policy = load_policy("business_api")
    lines = lines_of(app.routes)
    width = max(map(len, lines))
    for line in lines:
        print(f"{line:{width}}  {policy.permission(line) or 'REFUSED: no line names it'}")
    missing = [line for line in lines if policy.permission(line) is None]
    if missing:
        print("\nAdd to a file of services/business_api/src/business_api/policies:\n[routes]")
        print("\n".join(f'"{line}" = "..."' for line in missing))
    return int(bool(missing))


def main() -> int:
    """Read the arguments and do what they say."""
    parser = argparse.ArgumentParser(prog="python -m business_api.identity")
    commands = parser.add_subparsers(dest="command", required=True)
    admin = commands.add_parser("admin", help="add an administrator; the password is asked for")
    admin.add_argument("login")
    token = commands.add_parser("token", help="print an access token, for tests and curl")
    token.add_argument("subject")
    token.add_argument("roles", nargs="*", help="administrator, if none is given")
    data = commands.add_parser("data-token", help="print a token for the data service")
    data.add_argument("subject")
    commands.add_parser("policy", help="list the routes, and those that no line names")
    asked = parser.parse_args()
    try:
        if asked.command == "policy":
            return print_policy()
        if asked.command == "admin":
            print(asyncio.run(make_admin(normalized(asked.login), read_password())))
        elif asked.command == "token":
            roles = " ".join(asked.roles).split() or ["administrator"]
            print(asyncio.run(make_token(asked.subject, roles)))
        else:
            print(asyncio.run(make_data_token(asked.subject)))
    except ServiceError as error:
        print(error.detail, file=sys.stderr)
        return 1
    return 0


def read_password() -> str:
    """Ask for a password twice, or read one line of what is not a terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    while True:
        first = getpass.getpass("Password: ")
        if first == getpass.getpass("The same again: "):
            return first
        print("These were different.")


if __name__ == "__main__":
    sys.exit(main())
