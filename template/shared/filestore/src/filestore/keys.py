"""Keys of objects. Those derived from the object KEY are below DERIVED/KEY and deleted with it."""

DERIVED = "derived"


def derived_folder(key: str) -> str:
    """Return the folder of all objects that are derived from the one at `key`."""
    return f"{DERIVED}/{key}"


def derived_key(key: str, name: str) -> str:
    """Return the key of the object `name` that is derived from the one at `key`."""
    return f"{DERIVED}/{key}/{name}"


def original_key(key: str) -> str:
    """Return the key of the original: for a derived object that of its source, else `key`."""
    folder, _, rest = key.partition("/")
    return rest.rpartition("/")[0] if folder == DERIVED else key
