"""API4: one request takes so much and no more."""

import pytest
from fastapi.testclient import TestClient

from chassis.body_limit import MAX_BODY_BYTES
from tests.notes import PATH
from tests.security.support import bearer

ADA = ("ada", "test_author")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=101", 422),
        ("limit=0", 422),
        ("limit=1e9", 422),
        ("cursor=" + "a" * 201, 422),
        ("&".join(f"a{number}=1" for number in range(101)), 400),
        ("cursor=%00", 400),
        ("status=%0d%0aSet-Cookie:x", 400),
    ],
)
def test_a_list_is_bounded(api: TestClient, query: str, status: int) -> None:
    answer = api.get(f"{PATH}?{query}", headers=bearer(*ADA))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_is_bounded(api: TestClient) -> None:
    answer = api.post(PATH, content=b" " * (MAX_BODY_BYTES + 1), headers=bearer(*ADA))
    assert answer.status_code == 413


def test_a_form_is_bounded(api: TestClient) -> None:
    answer = api.post("/oauth/token", data={"client_id": "x" * 3_000})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert api.post("/oauth/token", content=b"a" * (MAX_BODY_BYTES + 1)).status_code == 413
