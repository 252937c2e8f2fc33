"""What the users of this project do, described once for every gate. It is yours: edit it."""

Request = tuple[str, str, object]
ROLES = "customer staff"
TABLE, KEY = "tickets", "id"


def create() -> Request:
    """Report a problem."""
    return "POST", "/api/v1/tickets", {"title": "The printer is on fire", "priority": 1}


def read(key: str) -> Request:
    """Look at the ticket."""
    return "GET", f"/api/v1/tickets/{key}", None


def browse() -> Request:
    """List the newest tickets."""
    return "GET", "/api/v1/tickets?limit=20", None


def advance(key: str) -> Request:
    """Close the ticket."""
    return "POST", f"/api/v1/tickets/{key}/close", None
