"""Signs the calls of the worker."""

from business_worker.settings import NAME
from chassis.security.service_tokens import sign_calls_as


def prepare() -> None:
    """Let the worker call other services as itself."""
    sign_calls_as(NAME)
