"""What can go wrong, free of any framework, so that use cases may raise these errors."""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ServiceError(Exception):
    """An expected failure; `detail` is a sentence for the person who reads it.

    `errors` names single fields, each with a `field` and a `message`.
    """

    status: ClassVar[int] = 500

    def __init__(self, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Invalid(ServiceError):
    """The request is well formed but breaks a rule."""

    status = 422


class Forbidden(ServiceError):
    """The caller may not do this."""

    status = 403


class NotFound(ServiceError):
    """The thing that was asked for does not exist."""

    status = 404


class Conflict(ServiceError):
    """The thing is in a state that does not allow this, or somebody else was faster."""

    status = 409


class BadGateway(ServiceError):
    """A service that this one needs gave an answer that makes no sense."""

    status = 502


class Unavailable(ServiceError):
    """A service that this one needs cannot be reached."""

    status = 503


class TooSlow(ServiceError):
    """A service that this one needs did not answer in time."""

    status = 504
