"""The security headers of every answer of a service that browsers can reach."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# An answer of an API is never a page: nothing in it may load, run, or be framed.
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

HEADERS = {
    "content-security-policy": API_POLICY,
    "strict-transport-security": "max-age=63072000",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # Not "no-referrer": browsers would send "Origin: null" with the forms of our own pages.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class SecurityHeadersMiddleware:
    """Adds each header that the answer does not have; a page may have a policy of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message.get("headers", ())}
                message["headers"] = [
                    *message.get("headers", ()),
                    *(header for header in self._headers if header[0] not in given),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def security_headers(app: FastAPI) -> None:
    """Add the headers to every answer of `app`, refusals of the guard included."""
    app.add_middleware(SecurityHeadersMiddleware)
