"""Whose rows a request reads and writes."""
