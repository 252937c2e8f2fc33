"""The one typed client through which a service calls another one over HTTP."""

from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from pydantic import BaseModel, ValidationError

from chassis.errors import BadGateway, Conflict, Invalid, NotFound, TooSlow, Unavailable
from chassis.outgoing import outgoing_headers
from chassis.problems import ProblemDocument

# What the other service says about the caller's request, or about what it needs itself, is passed
# on; every other error of its own is its fault or ours, which to our caller is a bad gateway.
PASSED_ON = {error.status: error for error in (NotFound, Conflict, Invalid, Unavailable, TooSlow)}


class ServiceClient:
    """A connection pool to one service; use it as an async context manager.

    Calls raise the errors of `chassis.errors`: `Unavailable` when the service cannot be reached,
    `TooSlow` when it takes more than `timeout` seconds, `BadGateway` when its answer is no answer.
    """

    def __init__(self, name: str, base_url: str, timeout: float) -> None:
        self._name = name
        self._base_url = base_url.rstrip("/")
        # To connect may take half of the time: that tells a service that is gone from a slow one.
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=timeout / 2)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call[Answer: BaseModel](
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        body: BaseModel | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """Send `body` as JSON to `path` and return the answer as the model `answer`."""
        if self._session is None:
            raise RuntimeError(f"The client of the {self._name} is used before it is opened.")
        headers = outgoing_headers()
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method,
                self._base_url + path,
                data=None if body is None else body.model_dump_json().encode(),
                params=params,
                headers=headers,
                allow_redirects=False,
            ) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unavailable(f"The {self._name} cannot be reached.") from error
        except TimeoutError as error:
            raise TooSlow(f"The {self._name} did not answer in time.") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"The {self._name} broke the connection off.") from error
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            self._refuse(status, content)
        try:
            # New fields are no error here: services need not be updated at the same moment.
            return answer.model_validate_json(content, extra="ignore")
        except ValidationError as error:
            raise BadGateway(f"The {self._name} gave an answer of the wrong shape.") from error

    def _refuse(self, status: int, content: bytes) -> None:
        passed_on = PASSED_ON.get(status)
        if passed_on is None:
            raise BadGateway(f"The {self._name} answered with status {status}.")
        try:
            document = ProblemDocument.model_validate_json(content)
        except ValidationError:
            raise passed_on(f"The {self._name} answered with status {status}.") from None
        raise passed_on(document.detail, document.errors)
