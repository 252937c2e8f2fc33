"""Signs calls to other services."""

from chassis.phases import Phase
from chassis.security.service_tokens import signed_calls

PHASE = Phase.CALLS
feature = signed_calls("business_api")
