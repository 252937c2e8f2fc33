"""How a file is offered to a client: shown, or saved under its name (RFC 6266)."""

from urllib.parse import quote

# What a browser shows without running anything that is in it.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})


def content_disposition(filename: str, content_type: str) -> str:
    """Return the header for a file; a name that is not ASCII comes with a plain one as well."""
    kind = "inline" if content_type in SHOWN else "attachment"
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in filename
    )
    value = f'{kind}; filename="{plain}"'
    return value if plain == filename else f"{value}; filename*=UTF-8''{quote(filename, safe='')}"
