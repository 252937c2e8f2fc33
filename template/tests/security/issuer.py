"""An OpenID Connect issuer elsewhere, as a server on this machine."""

import json
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from chassis.security.discovery import DiscoveredKeys
from chassis.security.tokens import TokenVerifier


class Issuer:
    """An OpenID Connect issuer on this machine, with keys that can be changed."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        self.published: list[dict[str, object]] = [dict(self.key.as_dict(private=False))]
        self.status = 200
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                content: dict[str, object] = {"keys": issuer.published}
                if self.path.startswith("/.well-known"):
                    content = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}
                self.send_response(issuer.status)
                self.end_headers()
                # In two segments, as a document of some kilobytes arrives.
                document = json.dumps(content).encode()
                self.wfile.write(document[:40])
                self.wfile.flush()
                time.sleep(0.02)
                self.wfile.write(document[40:])

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def token(
        self,
        key: ECKey | OctKey | None = None,
        algorithm: str = "ES256",
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """Sign a token with the issuer's key, or another."""
        now = int(time.time())
        content = {"iss": self.url, "aud": "app", "sub": "ada", "iat": now, "exp": now + 60}
        key = key or self.key
        return jwt.encode(
            {"alg": algorithm, "kid": key.kid}, {**content, **(claims or {})}, key, [algorithm]
        )

    def verifier(self) -> TokenVerifier:
        """Return what verifies tokens of this issuer."""
        essential = ("exp", "iat", "sub")
        return TokenVerifier(self.url, "app", DiscoveredKeys(self.url), essential=essential)
