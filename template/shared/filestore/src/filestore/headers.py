"""Content-Disposition: whether a browser shows or saves a file (RFC 6266)."""

from urllib.parse import quote

# Types that a browser displays without executing content.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})


def content_disposition(filename: str, content_type: str) -> str:
    """Return the header for a file, with an ASCII fallback for other names."""
    kind = "inline" if content_type in SHOWN else "attachment"
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in filename
    )
    value = f'{kind}; filename="{plain}"'
    return value if plain == filename else f"{value}; filename*=UTF-8''{quote(filename, safe='')}"
