"""Use one API of the running stack as a client would: `python make/smoke.py data|business`."""

import json
import subprocess
import sys
import time
from importlib import import_module
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

HEADERS = {"Content-Type": "application/json"}


def call(url: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    """Send JSON and return status and answer, waiting for a service that is still starting."""
    data = json.dumps(body).encode() if body else None
    request = Request(url, data, HEADERS, method=method)
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                return error.code, json.load(error)
        except (URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def send(service: str, method: str, path: str, body: object = None) -> Any:
    """Return the answer to a request; stop with a sentence when it is refused."""
    status, answer = call(service + path, method, body)
    if not 200 <= status < 300:
        sys.exit(f"{method} {path} was answered with {status}: {answer}")
    return answer


def data(service: str) -> None:
    """Ask for every list of the data service that needs no parameter."""
    for path, methods in send(service, "GET", "/openapi.json")["paths"].items():
        asked = methods.get("get", {}).get("parameters", [])
        needed = [each for each in asked if each["required"] and each["in"] != "header"]
        if path.startswith("/api/") and "get" in methods and not needed:
            send(service, "GET", path)


def business(service: str) -> None:
    """Create, read, list and advance what the journey describes."""
    sys.path.append(".")
    journey = import_module("journey")
    key = str(send(service, *journey.create())[journey.KEY])
    for request in (journey.read(key), journey.browse(), journey.advance(key)):
        send(service, *request)


APIS = {"data": (data, "data_postgres_api", "8001"), "business": (business, "business_api", "8000")}

if __name__ == "__main__":
    use, *place = APIS[sys.argv[1]]
    who = ["make", "--silent", "auth-header" if use is business else "data-auth-header"]
    HEADERS |= dict([subprocess.check_output(who, text=True).strip().split(": ", 1)])
    where = subprocess.run(["docker", "compose", "port", *place], check=True, capture_output=True)
    use(f"http://{where.stdout.decode().strip()}")
