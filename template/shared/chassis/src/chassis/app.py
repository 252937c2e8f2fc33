"""Builds a service: an application with the project's errors, limits and features."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI

from chassis.body_limit import BodyLimitMiddleware
from chassis.caller import CallerMiddleware
from chassis.problems import PROBLEM_RESPONSES, install_problem_handlers

Feature = Callable[[FastAPI], None]
"""Installs one cross-cutting concern: middleware, routes, a lifespan by a router of its own."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def configure_logging() -> None:
    """Send readable lines to the console; slices only ever call `logging.getLogger(__name__)`."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )


def create_app(
    *,
    title: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan | None = None,
    features: Sequence[Feature] = (),
) -> FastAPI:
    """Return the service; `features` are installed in order, so a later middleware is further out.

    Every error, those of the framework included, leaves as problem details.
    """
    configure_logging()
    # A redirect to the path without its last slash would be built from the client's Host header.
    app = FastAPI(
        title=title, lifespan=lifespan, responses=PROBLEM_RESPONSES, redirect_slashes=False
    )
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(CallerMiddleware)
    install_problem_handlers(app)
    for router in routers:
        app.include_router(router)
    for feature in features:
        feature(app)
    return app
