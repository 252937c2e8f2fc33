"""Which files have a copy in the second store."""
