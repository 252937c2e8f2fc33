"""What the bot may do: what the role of the person permits for whom it calls, and nothing more."""

import os
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from business_api.identity.denials import EVERY_SECONDS
from chassis.security.keys import private_key
from chassis.security.principal import Principal
from chassis.security.service_tokens import Signer
from chassis.testing import new_key
from tests.notes import BODY, PATH
from tests.security.support import bearer

STRANGER, _ = new_key()


@pytest.fixture(scope="module", autouse=True)
def bot() -> Iterator[Signer]:
    """What signs as the bot does; the business service is told of its key when it starts."""
    private, public = new_key()
    with pytest.MonkeyPatch.context() as patch:
        known = os.environ["SERVICE_PUBLIC_KEYS"]
        patch.setenv("SERVICE_PUBLIC_KEYS", f"{known} business_bot:{public}")
        yield Signer("business_bot", private_key(private, "test"))


def acting(
    signer: Signer, *roles: str, audience: str = "business service", who: str = "telegram:1001"
) -> dict[str, str]:
    """Return the header of a call that the bot makes for somebody with these roles."""
    token = signer.token(audience, Principal(who, frozenset(roles)))
    return {"Authorization": f"Bearer {token}"}


def write(api: TestClient) -> str:
    """Write a note as somebody who logs in, and return its address."""
    answer = api.post(PATH, json=BODY, headers=bearer("ada", "test_author"))
    return f"{PATH}/{answer.json()['id']}"


def test_a_user_of_the_bot_does_what_the_role_permits(api: TestClient, bot: Signer) -> None:
    note, user = write(api), acting(bot, "bot_user")
    assert api.get(note, headers=user).status_code == 200
    closed = api.post(f"{note}/close", headers=user)
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert api.post(PATH, json=BODY, headers=user).status_code == 403


def test_a_reader_looks_and_changes_nothing(api: TestClient, bot: Signer) -> None:
    note, reader = write(api), acting(bot, "bot_reader")
    assert api.get(note, headers=reader).status_code == 200
    assert api.post(f"{note}/close", headers=reader).status_code == 403
    assert api.get(note, headers=reader).json()["status"] == "open"


def test_nobody_administers_by_the_bot(api: TestClient, bot: Signer) -> None:
    for path in ("/api/v1/users", "/api/v1/audit"):
        assert api.get(path, headers=acting(bot, "administrator")).status_code == 403
    # A role of people who log in is none of theirs.
    assert api.get(PATH, headers=acting(bot, "test_keeper")).status_code == 403
    assert api.get(PATH, headers=acting(bot)).status_code == 403


def test_what_the_bot_has_not_signed_for_this_service_is_refused(
    api: TestClient, bot: Signer
) -> None:
    elsewhere = acting(bot, "bot_user", audience="data service")
    stranger = acting(Signer("business_bot", private_key(STRANGER, "test")), "bot_user")
    # Not even to see what somebody who logs in has going on.
    another = acting(bot, "bot_user", who="ada")
    assert api.get("/api/v1/sessions", headers=another).status_code == 401
    for headers in (elsewhere, stranger):
        assert api.get(PATH, headers=headers).status_code == 401
    # People are as they were.
    assert api.get(PATH, headers=bearer("sam", "test_keeper")).status_code == 200


def test_what_is_done_by_the_bot_is_in_the_audit_log(api: TestClient, bot: Signer) -> None:
    note = write(api)
    api.post(f"{note}/close", headers=acting(bot, "bot_reader"))
    api.post(f"{note}/close", headers=acting(bot, "bot_user"))
    deadline = time.monotonic() + 5 * EVERY_SECONDS
    outcomes: set[object] = set()
    while outcomes != {"done", "refused"} and time.monotonic() < deadline:
        time.sleep(0.2)
        answer = api.get("/api/v1/audit?limit=100", headers=bearer("root", "administrator"))
        outcomes = {
            item["outcome"] for item in answer.json()["items"] if item["who"] == "telegram:1001"
        }
    assert outcomes == {"done", "refused"}
