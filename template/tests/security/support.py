"""What the tests of security do again and again: callers, users, notes and forms."""

import base64
import re
import secrets
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx2
from fastapi.testclient import TestClient

from chassis.testing import ISSUER, access_token
from tests.notes import BODY, PATH

PASSWORD = "tea for two, milk for none"
ADMIN = ("administrator",)
REDIRECT = f"{ISSUER}/docs/oauth2-redirect"


def bearer(subject: str, *roles: str, **claims: object) -> dict[str, str]:
    """Return the header of a caller with roles; claims take the place of those of a good token."""
    return {"Authorization": f"Bearer {access_token(subject, *roles, **claims)}"}


def write_note(api: TestClient, subject: str) -> str:
    """Write a note as an author and return its address."""
    answer = api.post(PATH, json=BODY, headers=bearer(subject, "test_author"))
    assert answer.status_code == 201, answer.text
    return f"{PATH}/{answer.json()['id']}"


def add_user(api: TestClient, *roles: str) -> tuple[str, str]:
    """Add a user with the test's password; return id and login."""
    login = f"user-{uuid4().hex}@example.org"
    answer = api.post(
        "/api/v1/users",
        json={"login": login, "password": PASSWORD, "roles": roles or ["test_author"]},
        headers=bearer("root", *ADMIN),
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"]), login


def csrf_of(page: str) -> str:
    """Return the token that the page's form sends back."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


class Person:
    """Somebody with a browser, who logs in to the page of the documentation."""

    def __init__(self, api: TestClient, login: str, password: str = PASSWORD) -> None:
        self.api = api
        self.login = login
        self.password = password
        self.verifier = secrets.token_urlsafe(48)

    def address(self, **changes: str) -> str:
        """Return the address to which the client sends the browser."""
        challenge = base64.urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": "docs",
            "redirect_uri": REDIRECT,
            "state": "s-1",
            "scope": "openid",
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return "/oauth/authorize?" + urlencode(query | changes)

    def submit(self, **changes: str) -> httpx2.Response:
        """Open the page in a browser without cookies, fill in its form and send it."""
        self.api.cookies.clear()
        page = self.api.get(self.address())
        form = {"csrf": csrf_of(page.text), "login": self.login, "password": self.password}
        return self.api.post(self.address(), data=form | changes, follow_redirects=False)

    def code(self) -> str:
        """Log in and return the authorization code."""
        answer = self.submit()
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    def token(self, **form: str) -> httpx2.Response:
        """Ask the token endpoint, as the documentation's page does."""
        return self.api.post("/oauth/token", data={"client_id": "docs"} | form)

    def exchange(self, code: str, **changes: str) -> httpx2.Response:
        """Exchange a code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": self.verifier,
            "redirect_uri": REDIRECT,
        }
        return self.token(**form | changes)

    def log_in(self) -> dict[str, Any]:
        """Log in and return the tokens."""
        answer = self.exchange(self.code())
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refresh(self, token: str) -> httpx2.Response:
        """Exchange a refresh token for new tokens."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def use_a_copy(self, token: str) -> httpx2.Response:
        """Refresh twice, then replay the first token, as a thief would."""
        after = self.refresh(token).json()["refresh_token"]
        assert self.refresh(after).status_code == 200
        return self.refresh(token)

    def get(self, path: str, tokens: dict[str, Any]) -> httpx2.Response:
        """Ask the API with an access token."""
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        return self.api.get(path, headers=headers)
