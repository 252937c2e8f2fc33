"""Says for whom the call is made."""

from chassis.caller import caller_headers


def headers(service: str) -> dict[str, str]:
    """Return the header that names the current caller to `service`."""
    return caller_headers(service)
