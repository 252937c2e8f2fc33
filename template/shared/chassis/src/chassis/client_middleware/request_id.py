"""Passes the request ID on."""

from chassis.request_id import request_id_headers


def headers(_: str) -> dict[str, str]:
    """Return the header with the ID of the current request."""
    return request_id_headers()
