"""What happens around each attempt at a message."""

from chassis.modules import find_hooks
from messaging.reader import Around

# From the outermost in: what the modules of this package have as `around`.
AROUND: list[Around] = find_hooks("messaging", ".", "around")[::-1]
