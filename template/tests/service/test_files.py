"""Files through the gateway: what is uploaded comes back, and a virus does not."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from business_files.testing import EICAR

SECONDS = 60


def path_of(url: str) -> str:
    """Return a link without its host: the gateway of tests has another port."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def announced(gateway: httpx2.Client, content: bytes, **other: object) -> dict[str, Any]:
    """Announce a text file."""
    new = {"filename": "note.txt", "content_type": "text/plain", "purpose": "document"}
    answer = gateway.post("/api/v1/uploads", json=new | {"size": len(content)} | other)
    assert answer.status_code == 201, answer.text
    upload: dict[str, Any] = answer.json()
    return upload


def verified(gateway: httpx2.Client, file_id: str) -> dict[str, Any]:
    """Wait until a file is verified, and return it."""
    deadline = time.monotonic() + SECONDS
    while True:
        file: dict[str, Any] = gateway.get(f"/api/v1/files/{file_id}").json()
        if file["state"] in {"ready", "rejected"}:
            return file
        assert time.monotonic() < deadline, file
        time.sleep(0.2)


def test_what_is_uploaded_comes_back(gateway: httpx2.Client) -> None:
    # More than the gateway takes at other addresses.
    content = b"0123456789" * 50_000
    upload = announced(gateway, content)
    sent = gateway.put(path_of(upload["url"]), content=content, headers=upload["headers"])
    assert sent.status_code == 202, sent.text
    assert verified(gateway, upload["id"])["state"] == "ready"
    link = gateway.get(f"/api/v1/files/{upload['id']}/content", follow_redirects=False)
    assert link.status_code == 307
    place = path_of(link.headers["location"])
    answer = gateway.get(place)
    assert answer.content == content
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers["content-security-policy"].startswith("sandbox")
    part = gateway.get(place, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, b"56789")
    assert gateway.delete(f"/api/v1/files/{upload['id']}").status_code == 204
    assert gateway.get(place).status_code == 404


def test_a_form_is_an_upload(gateway: httpx2.Client) -> None:
    files = {"file": ("note.txt", b"hello", "text/plain")}
    sent = gateway.post("/api/v1/content", data={"purpose": "document"}, files=files)
    assert sent.status_code == 202, sent.text
    assert verified(gateway, sent.json()["id"])["filename"] == "note.txt"


def test_a_virus_is_rejected(gateway: httpx2.Client) -> None:
    upload = announced(gateway, EICAR)
    gateway.put(path_of(upload["url"]), content=EICAR, headers=upload["headers"])
    file = verified(gateway, upload["id"])
    assert (file["state"], "virus" in file["reason"]) == ("rejected", True)
    link = gateway.get(f"/api/v1/files/{upload['id']}/content", follow_redirects=False)
    assert link.status_code == 409


@pytest.mark.parametrize("change", ["signature=0", "expires=1", "path"])
def test_a_link_that_was_changed_is_refused(gateway: httpx2.Client, change: str) -> None:
    place = path_of(announced(gateway, b"hello")["url"])
    other = announced(gateway, b"hello")["id"]
    path, _, query = place.partition("?")
    if change == "path":
        changed = f"/api/v1/content/{other}?{query}"
    else:
        name = change.partition("=")[0]
        given = [part for part in query.split("&") if not part.startswith(name)]
        changed = f"{path}?{'&'.join([*given, change])}"
    answer = gateway.put(changed, content=b"hello")
    assert answer.status_code == 403
    assert json.loads(answer.content)["status"] == 403


def test_more_than_was_announced_is_refused(gateway: httpx2.Client) -> None:
    upload = announced(gateway, b"hello")
    answer = gateway.put(path_of(upload["url"]), content=b"hello world")
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
