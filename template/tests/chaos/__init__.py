"""Trouble on purpose: what is promised when a part of the system fails."""
