"""Does what nobody has to wait for: it reads events, and calls the data service."""
