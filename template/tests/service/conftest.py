"""A client of the running system, through the gateway: `make service-test`."""

import os
import ssl
from collections.abc import Iterator

import httpx2
import pytest


@pytest.fixture(scope="session")
def gateway() -> Iterator[httpx2.Client]:
    """A client that trusts the certificate of this project's gateway, and no other."""
    host = os.environ["GATEWAY_HOST"]
    caller, proof = os.environ["CALLER"].split(": ", 1)

    def name(request: httpx2.Request) -> None:
        request.extensions["sni_hostname"] = host

    with httpx2.Client(
        base_url=os.environ["GATEWAY_URL"],
        verify=ssl.create_default_context(cafile="certs/fullchain.pem"),
        headers={"Host": host, caller: proof},
        event_hooks={"request": [name]},
        timeout=10,
    ) as client:
        yield client
