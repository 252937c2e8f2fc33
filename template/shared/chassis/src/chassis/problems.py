"""Every error as a problem document (RFC 9457), media type `application/problem+json`."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import ServiceError

log = logging.getLogger(__name__)

MAX_ERRORS = 50
MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """The body of every answer that is an error; each of `errors` has a `field` and a `message`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Problem details (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}},
    }
}


def problem(
    status: int,
    detail: str,
    errors: Iterable[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the problem document for `status`, as a response."""
    body = ProblemDocument(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[dict(error) for error in errors],
    )
    return JSONResponse(
        body.model_dump(exclude=None if body.errors else {"errors"}),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def _text(value: str) -> str:
    """Return what may be shown of text that a client has made up: not much, and valid Unicode."""
    return value[:200].encode("utf-8", "replace").decode()


def _field_errors(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Name the first fields and what is wrong, without the value, which may be secret."""
    return [
        {"field": _text(".".join(map(str, error["loc"]))), "message": _text(error["msg"])}
        for error in errors[:MAX_ERRORS]
    ]


def _allowed(request: Request) -> str:
    """Return all methods of the path; the framework names those of its first route only."""
    methods = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.methods and route.path_regex.match(request.scope["path"])
        for method in route.methods
    }
    return ", ".join(sorted(methods))


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every exception that reaches `app` into a problem document."""

    @app.exception_handler(ServiceError)
    async def expected(request: Request, error: ServiceError) -> JSONResponse:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # The client reads what, the log also why.
            what = (request.method, request.url.path, error.detail, error.__cause__)
            log.warning("%s %s: %s (%r)", *what)
        return problem(error.status, error.detail, error.errors)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = _field_errors(error.errors())
        fields = ", ".join(list(dict.fromkeys(item["field"] for item in errors))[:5])
        return problem(422, f"The request is not valid: see {fields}.", errors)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        if detail == HTTPStatus.NOT_FOUND.phrase:
            detail = f"There is nothing at {request.url.path}."
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed(request)
            detail = f"{request.url.path} takes {headers['Allow']}, not {request.method}."
        return problem(error.status_code, detail, headers=headers)

    app.add_middleware(_UnexpectedErrors)


class _UnexpectedErrors:
    """Answers 500 for a bug; inside the middleware of features, so that these see the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise
            answer = problem(500, "The service made a mistake. It has been logged.")
            await answer(scope, receive, send)
