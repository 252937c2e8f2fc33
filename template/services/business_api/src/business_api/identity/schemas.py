"""The public requests and answers about users, clients and sessions."""

import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from contracts.base import Contract
from contracts.identity import Login, OAuthClient, RedirectUris, Roles, SubjectId


def normalized(login: str) -> str:
    """Return a login as it is kept and compared: what looks the same is the same."""
    return unicodedata.normalize("NFKC", login.strip()).casefold()


def _login(login: str) -> str:
    name = normalized(login)
    if not 0 < len(name) <= 200:
        raise ValueError("has 1 to 200 characters")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Zs"} for character in name):
        raise ValueError("holds a character that nobody sees")
    return name


def _text(password: SecretStr) -> SecretStr:
    try:
        password.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("is no text") from None
    return password


NewLogin = Annotated[Login, AfterValidator(_login)]
Password = Annotated[SecretStr, Field(max_length=200), AfterValidator(_text)]


class AddUser(Contract):
    """A person who is to log in. `id` is for a subject whose rows are there already."""

    login: NewLogin
    password: Password
    roles: Roles
    id: SubjectId | None = None


class ChangeUser(Contract):
    """What is to be different; what is left out stays. Every session of the user ends."""

    roles: Roles | None = None
    active: bool | None = None
    password: Password | None = None


class ChangePassword(Contract):
    """A new password, and the one that it takes the place of."""

    current: Password
    password: Password


class AddClient(Contract):
    """A program that is to ask for tokens: a public one, or one with a secret."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    redirect_uris: RedirectUris = ()
    roles: Roles = ()
    confidential: bool = True


class NewOAuthClient(OAuthClient):
    """A client and its secret, which is shown this once."""

    secret: str | None


class SessionView(Contract):
    """A login of the caller; `current` is the one that this request comes from."""

    id: str
    created_at: datetime
    used_at: datetime
    network: str
    agent: str
    current: bool


class SessionList(Contract):
    """All logins of the caller, the newest first."""

    items: tuple[SessionView, ...]
