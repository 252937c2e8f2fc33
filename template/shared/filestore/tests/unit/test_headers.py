"""How files are offered to clients."""

import pytest

from filestore.headers import content_disposition


@pytest.mark.parametrize(
    ("name", "kind", "header"),
    [
        ("a.pdf", "application/pdf", 'inline; filename="a.pdf"'),
        ("a.html", "text/html", 'attachment; filename="a.html"'),
        ("a.svg", "image/svg+xml", 'attachment; filename="a.svg"'),
        ('a"\\.png', "image/png", "inline; filename=\"a__.png\"; filename*=UTF-8''a%22%5C.png"),
        ("ä.txt", "text/plain", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A4.txt"),
        (
            "a\r\nb.txt",
            "text/plain",
            "attachment; filename=\"a__b.txt\"; filename*=UTF-8''a%0D%0Ab.txt",
        ),
    ],
)
def test_only_what_runs_nothing_is_shown(name: str, kind: str, header: str) -> None:
    assert content_disposition(name, kind) == header
    header.encode("latin-1")
