"""Says whether the service lives, and whether it can do its work."""

from business_files.readiness import data_service_is_ready, store_is_ready
from chassis.health import health_endpoints
from chassis.phases import Phase

PHASE = Phase.ROUTES
feature = health_endpoints({"data_service": data_service_is_ready, "store": store_is_ready})
