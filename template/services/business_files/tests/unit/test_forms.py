"""Forms are read as they come, whatever the pieces are."""

import pytest

from business_files.content.forms import read_form
from business_files.testing import chunks
from chassis.errors import Invalid

TYPE = "multipart/form-data; boundary=AaB"
FIELD = b'--AaB\r\nContent-Disposition: form-data; name="purpose"\r\n\r\ndocument\r\n'
FILE = (
    b'--AaB\r\nContent-Disposition: form-data; name="file"; filename="\xc3\xa4.txt"\r\n'
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n--Aa no boundary\r\n"
)
END = b"--AaB--\r\n"


@pytest.mark.parametrize("step", [1, 7, 1000])
async def test_fields_and_file(step: int) -> None:
    body = FIELD + FILE + END
    form = await read_form(TYPE, chunks(*[body[i : i + step] for i in range(0, len(body), step)]))
    assert (form.filename, form.content_type) == ("ä.txt", "text/plain")
    assert form.fields == {"purpose": "document"}
    assert b"".join([part async for part in form.content]) == b"hello\r\n--Aa no boundary"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", FIELD),
        (TYPE, b"no form at all"),
        (f"multipart/form-data; boundary={'a' * 300}", FIELD),
        (TYPE, FIELD + END),
        (TYPE, b'--AaB\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"a" * 1001),
        (TYPE, FIELD * 11 + FILE + END),
    ],
)
async def test_what_is_no_such_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Invalid):
        await read_form(content_type, chunks(body))


@pytest.mark.parametrize("rest", [b"", FIELD + END])
async def test_a_file_without_an_end_is_none(rest: bytes) -> None:
    form = await read_form(TYPE, chunks(FIELD + FILE, rest))
    with pytest.raises(Invalid):
        async for _ in form.content:
            pass
