"""`/health`: the process answers. `/ready`: it can do its work, so send it requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from chassis.app import Feature
from chassis.problems import problem

log = logging.getLogger(__name__)

CHECK_SECONDS = 2

Check = Callable[[FastAPI], Awaitable[None]]
"""Raises when something that the service needs does not work."""


class Health(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Everything that the service needs works."""

    status: Literal["ready"] = "ready"
    checks: list[str]


async def _failure(check: Check, app: FastAPI) -> str | None:
    # Not cancelled and awaited: to give up a connection that hangs may take as long once more.
    task = asyncio.ensure_future(check(app))
    done, _ = await asyncio.wait({task}, timeout=CHECK_SECONDS)
    if not done:
        task.cancel()
        log.warning("readiness check failed: no answer within %s seconds", CHECK_SECONDS)
        return "does not answer"
    if error := task.exception():
        log.warning("readiness check failed: %s (%r)", error, error.__cause__)
        return "does not work"
    return None


def health_endpoints(checks: Mapping[str, Check]) -> Feature:
    """Return the feature that answers `/health` and `/ready`; `checks` are named in the answer."""

    def install(app: FastAPI) -> None:
        router = APIRouter(tags=["health"])

        @router.get("/health")
        async def health() -> Health:
            """Answer as long as the process does."""
            return Health()

        @router.get("/ready", response_model=Readiness)
        async def ready() -> Readiness | JSONResponse:
            """Answer 200 when every check passes, and 503 with those that do not."""
            failures = await asyncio.gather(*(_failure(check, app) for check in checks.values()))
            failed = [
                {"field": name, "message": failure}
                for name, failure in zip(checks, failures, strict=True)
                if failure is not None
            ]
            if failed:
                return problem(503, "The service cannot work at the moment.", failed)
            return Readiness(checks=list(checks))

        app.include_router(router)

    return install
