"""Asks for data as fresh as the request needs."""

from chassis.freshness import freshness_headers


def headers(_: str) -> dict[str, str]:
    """Return the header that asks for what is stored now, or nothing if a copy is enough."""
    return freshness_headers()
