"""Says for whom the call is made."""

from chassis.subject import subject_headers


def headers(service: str) -> dict[str, str]:
    """Return the header that names the current caller to `service`."""
    return subject_headers(service)
