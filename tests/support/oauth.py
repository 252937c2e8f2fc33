"""A browser and an OAuth client, as small as tests need them: cookies, forms and PKCE."""

import base64
import re
import secrets
import ssl
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from http.client import HTTPSConnection
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.http import Answer

CALLBACK = "/docs/oauth2-redirect"


@dataclass
class Browser:
    """Keeps the cookies of one host and follows nothing."""

    port: int
    context: ssl.SSLContext
    cookies: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    def send(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request as a browser would, form and cookies included."""
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            body = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPSConnection("localhost", self.port, context=self.context, timeout=30)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                self.attributes[name] = line
        headers_of = {name.title(): value for name, value in answer.headers.items()}
        return Answer(answer.status, headers_of, text)


@dataclass
class Login:
    """A person who logs in to the API's documentation, or to another client."""

    browser: Browser
    issuer: str
    client: str = "docs"
    redirect_uri: str = ""
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def __post_init__(self) -> None:
        self.redirect_uri = self.redirect_uri or self.issuer + CALLBACK

    def address(self, **changes: str) -> str:
        """The address that a client sends the browser to."""
        challenge = base64.urlsafe_b64encode(sha256(self.verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": self.redirect_uri,
            "state": "s-1",
            "scope": "openid",
            "nonce": "n-1",
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        } | changes
        return "/oauth/authorize?" + urlencode(query)

    def fill_in(self, login: str, password: str, **changes: str) -> Answer:
        """Open the page and send its form."""
        page = self.browser.send("GET", self.address())
        if page.status != 200:  # logged in already
            return page
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert token is not None, page.text
        form = {"csrf": unescape(token[1]), "login": login, "password": password} | changes
        return self.browser.send("POST", self.address(), form)

    def code(self, login: str = "", password: str = "") -> str:
        """Log in and return the code that the client is given."""
        answer = self.fill_in(login, password)
        assert answer.status == 303, (answer.status, answer.text)
        return query_of(answer)["code"]

    def token(self, **form: str) -> Answer:
        """Ask the token endpoint."""
        return self.browser.send("POST", "/oauth/token", {"client_id": self.client} | form)

    def exchange(self, code: str, **changes: str) -> Answer:
        """Exchange a code for tokens."""
        return self.token(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": self.verifier,
                "redirect_uri": self.redirect_uri,
            }
            | changes
        )

    def refresh(self, token: str) -> Answer:
        """Exchange a refresh token for new tokens."""
        return self.token(grant_type="refresh_token", refresh_token=token)


def query_of(redirect: Answer) -> dict[str, str]:
    """The parameters with which the browser is sent back to the client."""
    query = parse_qs(urlsplit(redirect.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}
