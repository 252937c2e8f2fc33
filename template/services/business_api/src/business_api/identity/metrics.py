"""What Prometheus reads about logging in: who tries, who comes in, and what was used twice."""

from itertools import product

from prometheus_client import Counter

LOGINS = Counter(
    "logins_total",
    "Passwords that were checked, by how that ended: accepted, refused, or too many attempts.",
    ["action", "outcome"],
)
REUSED = Counter(
    "tokens_reused_total", "Codes and refresh tokens that were used a second time.", ["kind"]
)
LOST = Counter("audit_refusals_lost_total", "Refusals that are not in the audit log.")

# A rate does not see where a series begins.
for action, outcome in product(("login", "password"), ("accepted", "refused", "limited")):
    LOGINS.labels(action, outcome)
for kind in ("code", "refresh token"):
    REUSED.labels(kind)
