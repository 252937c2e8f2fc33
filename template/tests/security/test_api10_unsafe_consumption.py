"""API10: what another service or an issuer answers is not believed because it answers."""

import asyncio

import pytest
from joserfc.jwk import ECKey, OctKey

from chassis.security.tokens import InvalidToken
from tests.security.issuer import Issuer


async def test_a_token_of_an_issuer_elsewhere_is_accepted(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    assert (await verifier.verify(issuer.token()))["sub"] == "ada"
    await verifier.verify(issuer.token())
    assert issuer.asked == 2  # the configuration and the keys, once


async def test_a_new_key_is_found_and_made_up_ones_ask_nobody(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    new = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    issuer.published.append(dict(new.as_dict(private=False)))
    for _ in range(5):  # too soon after the last look
        with pytest.raises(InvalidToken, match="a key that nobody knows"):
            await verifier.verify(issuer.token(new))
    assert issuer.asked == 2
    monkeypatch.setattr("chassis.security.discovery.ASK_AGAIN_SECONDS", 0)
    assert (await verifier.verify(issuer.token(new)))["sub"] == "ada"


async def test_keys_stay_known_while_the_issuer_is_away(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    monkeypatch.setattr("chassis.security.discovery.FRESH_SECONDS", 0)
    monkeypatch.setattr("chassis.security.discovery.ASK_AGAIN_SECONDS", 0)
    issuer.status = 500
    await asyncio.sleep(0.01)
    assert (await verifier.verify(issuer.token(claims={"jti": "another"})))["sub"] == "ada"


async def test_a_shared_secret_among_the_keys_is_ignored(issuer: Issuer) -> None:
    secret = OctKey.import_key(b"a" * 64, {"kid": "oct"})
    issuer.published.append({**secret.as_dict(private=True), "kid": "oct"})
    with pytest.raises(InvalidToken):
        await issuer.verifier().verify(issuer.token(secret, "HS256"))


async def test_a_key_for_encryption_verifies_nothing(issuer: Issuer) -> None:
    issuer.published[0] |= {"use": "enc"}
    with pytest.raises(InvalidToken):
        await issuer.verifier().verify(issuer.token())
