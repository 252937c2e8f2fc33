"""Announces a file to the business service on behalf of the caller."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import aiohttp
from fastapi.responses import JSONResponse, Response

from business_files.settings import BusinessServiceSettings
from chassis.errors import BadGateway, TooSlow, Unavailable
from chassis.settings import read_settings

# Only headers of the caller: this service has no rights of its own.
PASSED_ON = ("authorization", "x-subject", "x-request-id", "idempotency-key", "traceparent")


class Refused(Exception):
    """The business service refused; `answer` is its response."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


async def announce(upload: Mapping[str, Any], headers: Mapping[str, str]) -> UUID:
    """Announce an upload with the headers of the caller, and return the ID of the file.

    Raises `Refused`, `Unavailable`, `TooSlow` or `BadGateway`.
    """
    settings = read_settings(BusinessServiceSettings)
    url = f"{str(settings.url).rstrip('/')}/api/v1/uploads"
    given = {name: headers[name] for name in PASSED_ON if name in headers}
    timeout = aiohttp.ClientTimeout(total=settings.timeout_seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=given) as session,
            session.post(url, json=upload, allow_redirects=False) as response,
        ):
            content = await response.json(content_type=None)
            if 400 <= response.status < 500:
                raise Refused(_answer(response, content))
            if response.status >= 300:
                raise BadGateway(f"The business service answered with {response.status}.")
            return UUID(content["id"])
    except TimeoutError as error:
        raise TooSlow("The business service did not answer in time.") from error
    except aiohttp.ClientError as error:
        raise Unavailable("The business service cannot be reached.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadGateway("The business service gave an answer of the wrong shape.") from error


def _answer(response: aiohttp.ClientResponse, content: Any) -> Response:
    kept = {
        name: response.headers[name]
        for name in ("WWW-Authenticate", "Retry-After")
        if name in response.headers
    }
    return JSONResponse(content, response.status, kept, media_type="application/problem+json")
