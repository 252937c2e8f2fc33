"""Puts a breaker around the object store."""

from business_files.guarded import GuardedObjects
from business_files.store import Objects

PHASE = 10


def wrap_objects(objects: Objects) -> Objects:
    """Return the store behind a breaker."""
    return GuardedObjects(objects)
