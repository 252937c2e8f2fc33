"""What clients find out by themselves: the issuer's configuration and its public keys."""

from typing import Any

from fastapi import APIRouter, Request

from business_api.identity.context import identity_of

router = APIRouter(tags=["login"])


@router.get("/.well-known/openid-configuration")
async def configuration(request: Request) -> dict[str, Any]:
    """Describe the issuer (OpenID Connect Discovery 1.0)."""
    issuer = identity_of(request).tokens.settings.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "end_session_endpoint": f"{issuer}/logout",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid"],
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }


@router.get("/.well-known/jwks.json")
async def keys(request: Request) -> dict[str, Any]:
    """Return the public keys that verify tokens; the first is the one that signs now."""
    return identity_of(request).tokens.jwks()
