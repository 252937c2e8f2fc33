"""The cookies of logging in: out of reach for scripts, other hosts and other sites."""

import hmac
import re
import secrets

from fastapi import Request, Response

# Browsers take a name of this beginning only with Secure, from this very host, for all its paths.
SESSION = "__Host-session"
CSRF = "__Host-csrf"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def set_session(response: Response, cookie: str, seconds: int) -> None:
    """Let the browser keep the login; sites that link here may use it, sites that post may not."""
    response.set_cookie(
        SESSION, cookie, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
    )


def clear_session(response: Response) -> None:
    """Let the browser forget the login."""
    response.delete_cookie(SESSION, path="/", secure=True, httponly=True, samesite="lax")


def csrf_token(request: Request) -> str:
    """Return the token that the form has to send back: the browser's own, or a new one."""
    given = request.cookies.get(CSRF, "")
    return given if _TOKEN.fullmatch(given) else secrets.token_urlsafe(32)


def set_csrf(response: Response, token: str) -> None:
    """Let the browser send the token beside the form, which another site cannot read or set."""
    response.set_cookie(
        CSRF, token, max_age=3600, path="/", secure=True, httponly=True, samesite="strict"
    )


def is_csrf(request: Request, sent: str) -> bool:
    """Return whether the form comes from a page of ours, in this browser."""
    kept = request.cookies.get(CSRF, "")
    return bool(kept) and hmac.compare_digest(kept.encode(), sent.encode())
