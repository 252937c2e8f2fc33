"""Load on the running system, against a baseline."""
