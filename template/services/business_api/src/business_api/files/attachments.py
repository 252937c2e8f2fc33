"""The purposes that every project has; other features have their own, in an `attachments.py`."""

from business_api.files.purposes import Purpose

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# Nothing that a browser would run: no HTML, SVG or XML.
DOCUMENTS = frozenset(
    {
        "application/pdf",
        "application/zip",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "text/csv",
        "text/plain",
    }
)

PURPOSES = (
    Purpose("document", DOCUMENTS | IMAGES, 100_000_000),
    Purpose("image", IMAGES, 20_000_000),
)
