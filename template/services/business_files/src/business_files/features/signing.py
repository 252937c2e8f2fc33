"""Signs calls of the data service, of the service and of its background process."""

from business_files.settings import NAME
from chassis.phases import Phase
from chassis.security.service_tokens import sign_calls_as, signed_calls

PHASE = Phase.CALLS
feature = signed_calls(NAME)


def prepare() -> None:
    """Let the background process call other services as itself."""
    sign_calls_as(NAME)
