"""Upload files to the running stack as a client would: one that is fine, and one with a virus."""

import base64
import json
import subprocess
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

from smoke import HEADERS, send

SECONDS = 240
# The test virus of EICAR, encoded so that no scanner finds it in this file.
EICAR = base64.b64decode(
    "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
)


class Stay(HTTPRedirectHandler):
    """Follows no redirect, so that its address can be looked at."""

    def redirect_request(self, *_: Any) -> None:
        return None


def address(service: str, port: str) -> str:
    """Return where a service is published."""
    said = subprocess.check_output(["docker", "compose", "port", service, port], text=True)
    return f"http://{said.strip()}"


def local(url: str, files: str) -> str:
    """Return a link to the files service at the port where this stack has it."""
    parts = urlsplit(url)
    return f"{files}{parts.path}?{parts.query}"


def upload(api: str, files: str, name: str, content: bytes) -> tuple[str, dict[str, Any]]:
    """Upload a text file, and return its id and what it became."""
    new = {
        "filename": name,
        "content_type": "text/plain",
        "purpose": "document",
        "size": len(content),
    }
    announced = send(api, "POST", "/api/v1/uploads", new)
    request = Request(local(announced["url"], files), content, announced["headers"], method="PUT")
    with urlopen(request, timeout=30):
        pass
    deadline = time.monotonic() + SECONDS
    while True:
        file: dict[str, Any] = send(api, "GET", f"/api/v1/files/{announced['id']}")
        if file["state"] in {"ready", "rejected"}:
            return announced["id"], file
        if time.monotonic() > deadline:
            sys.exit(f"After {SECONDS} seconds the file is still {file['state']}: {file}")
        time.sleep(0.5)


def main() -> None:
    """Stop with a sentence when a file is not what it should be."""
    said = subprocess.check_output(["make", "--silent", "auth-header"], text=True)
    HEADERS.update(dict([said.strip().split(": ", 1)]))
    api, files = address("business_api", "8000"), address("business_files", "8003")
    content = b"What is in a file comes back as it was.\n"
    file_id, file = upload(api, files, "note.txt", content)
    if file["state"] != "ready":
        sys.exit(f"The file is not ready: {file}")
    try:
        build_opener(Stay).open(Request(f"{api}/api/v1/files/{file_id}/content", headers=HEADERS))
        sys.exit("The content has no link.")
    except HTTPError as redirect:
        link = redirect.headers["Location"]
    with urlopen(local(link, files), timeout=30) as answer:
        if answer.read() != content:
            sys.exit("The content that came back is not what was sent.")
    _, file = upload(api, files, "virus.txt", EICAR)
    if file["state"] != "rejected" or "virus" not in str(file["reason"]):
        sys.exit(f"The virus was not found: {json.dumps(file)}")
    request = Request(f"{api}/api/v1/files/{file_id}", headers=HEADERS, method="DELETE")
    with urlopen(request, timeout=30):
        pass


if __name__ == "__main__":
    main()
