"""Finishes the requests in progress before the service stops."""

from chassis.phases import Phase
from chassis.stopping import late_stop

PHASE = Phase.STOPPING
feature = late_stop
