"""Which sizes of an image there are, and where they are stored."""

from filestore.keys import derived_key

RASTER = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
CONTENT_TYPE = "image/webp"
# The longest side in pixels, by the name of the size.
SIZES = {"small": 320, "medium": 1280, "large": 2560}


def variant_key(key: str, name: str) -> str:
    """Return where the size `name` of the image at `key` is stored."""
    return derived_key(key, name)
