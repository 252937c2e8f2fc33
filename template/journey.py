"""What the users of this project do, described once for every gate. It is yours: edit it.

`make verify`, load tests and drills create, read, list and advance this, and count how many there
are. A request is a method, a path of the business service, and a body that is sent as JSON.
"""

Request = tuple[str, str, object]
ROLES = "customer staff"  # of the user, from level 4 on
TABLE, KEY = "orders", "id"  # where it is kept, and what tells one from another
LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}


def create() -> Request:
    """Place an order."""
    return "POST", "/api/v1/orders", {"lines": [LINE]}


def read(key: str) -> Request:
    """Look at it."""
    return "GET", f"/api/v1/orders/{key}", None


def browse() -> Request:
    """List the newest orders."""
    return "GET", "/api/v1/orders?limit=20", None


def advance(key: str) -> Request:
    """Pay it: what changes it."""
    return "POST", f"/api/v1/orders/{key}/pay", None
