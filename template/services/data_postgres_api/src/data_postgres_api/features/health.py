"""Says whether the service lives, and whether it can do its work."""

from chassis.health import health_endpoints
from chassis.phases import Phase
from data_postgres_api.readiness import database_is_ready

PHASE = Phase.ROUTES
feature = health_endpoints({"postgres": database_is_ready})
