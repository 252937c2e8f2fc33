"""The data service with notes, and with what modules do with them."""

from chassis.modules import find_modules
from tests.notes.data import app as app

find_modules("tests", "notes/events.py")
find_modules("tests", "chaos/counting.py")
