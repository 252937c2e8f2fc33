"""Users and OAuth clients on the wire, between the business service and the data service."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from contracts.base import Contract

SubjectId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Login = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f]+$", examples=["ada"])
]
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$", examples=["administrator"])]
Roles = Annotated[tuple[RoleName, ...], Field(max_length=20)]
RedirectUri = Annotated[str, Field(max_length=500)]
RedirectUris = Annotated[tuple[RedirectUri, ...], Field(max_length=20)]


class User(Contract):
    """A person who can log in; rows and the audit log name them by `id`."""

    id: SubjectId
    login: Login
    roles: Roles
    active: bool
    created_at: datetime


class StoredUser(User):
    """A user with the hash of the password; it never leaves the services."""

    password_hash: str


class NewUser(Contract):
    """A user to be stored under an id that the caller made."""

    login: Login
    roles: Roles
    password_hash: str


class UserChange(Contract):
    """What is to be different about a user; what is left out stays."""

    roles: Roles | None = None
    active: bool | None = None
    password_hash: str | None = None


class UserPage(Contract):
    """Users in the order of their logins; `next_login` asks for those that follow."""

    items: tuple[User, ...]
    next_login: str | None


class OAuthClient(Contract):
    """A program that may ask for tokens: for people, who log in, or as itself when it has roles.

    A redirect URI that begins with a slash is on the host of the issuer. A client without a secret
    is public: a page or an app, which can keep none.
    """

    id: SubjectId
    name: Annotated[str, Field(min_length=1, max_length=100)]
    redirect_uris: RedirectUris = ()
    roles: Roles = ()
    confidential: bool


class StoredClient(OAuthClient):
    """A client with the hash of its secret, if it has one."""

    secret_hash: str | None


class NewClient(Contract):
    """A client to be stored under an id that the caller made."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    redirect_uris: RedirectUris = ()
    roles: Roles = ()
    secret_hash: str | None = None


class ClientList(Contract):
    """All clients, by name."""

    items: tuple[OAuthClient, ...]
