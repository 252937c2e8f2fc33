"""Lets requests that have begun end before the service does."""

from chassis.phases import Phase
from chassis.stopping import late_stop

PHASE = Phase.STOPPING
feature = late_stop
