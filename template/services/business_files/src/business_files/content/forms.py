"""Parses forms (multipart/form-data) while they arrive; their files are streamed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from chassis.errors import Invalid

MAX_FIELD_BYTES = 1000
MAX_FIELDS = 10


@dataclass(frozen=True, slots=True)
class FormFile:
    """The file of a form, and the fields that came before it."""

    filename: str
    content_type: str
    fields: dict[str, str]
    content: AsyncIterator[bytes]


@dataclass(slots=True)
class _Part:
    """A part of the form, as far as it has arrived."""

    headers: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    data: bytearray = field(default_factory=bytearray)
    is_whole: bool = False

    @property
    def is_file(self) -> bool:
        return self.name == "file" and self.filename is not None


class _Reader:
    """Collects the results of the parser: whole fields, and the file in chunks."""

    def __init__(self, boundary: bytes) -> None:
        self.parts: list[_Part] = []
        self.has_file = False
        self._header = bytearray()
        self._value = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": lambda: self.parts.append(_Part()),
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Parse the next chunk; raise `Invalid` for a malformed form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Invalid("The form cannot be parsed as multipart/form-data.") from error

    def _on_header(self) -> None:
        name = self._header.decode("latin-1").lower()
        self.parts[-1].headers[name] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers(self) -> None:
        part = self.parts[-1]
        if self.has_file:
            raise Invalid("The part called file must be the last part of the form.")
        if len(self.parts) > MAX_FIELDS:
            raise Invalid(f"The form has more than {MAX_FIELDS} parts.")
        _, options = parse_options_header(part.headers.get("content-disposition", b""))
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            part.filename = options[b"filename"].decode("utf-8", "replace")
        self.has_file = part.is_file

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.data += data[start:end]
        if not part.is_file and len(part.data) > MAX_FIELD_BYTES:
            raise Invalid(f"The field {part.name[:50]} has more than {MAX_FIELD_BYTES} bytes.")

    def _on_part(self) -> None:
        self.parts[-1].is_whole = True


async def read_form(content_type: str, body: AsyncIterator[bytes]) -> FormFile:
    """Return the part "file" of a form, which must be the last one.

    Raises `Invalid` for any other body.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Invalid("Send a form: multipart/form-data, with a part called file.")
    try:
        reader = _Reader(boundary)
    except FormParserError as error:
        raise Invalid("The boundary of the form is not valid.") from error
    async for chunk in body:
        reader.feed(chunk)
        if reader.has_file:
            break
    if not reader.has_file:
        raise Invalid("The form has no part called file with a file name.")
    *fields, file = reader.parts
    declared, _ = parse_options_header(file.headers.get("content-type", b""))
    return FormFile(
        file.filename or "",
        declared.decode("latin-1"),
        {part.name: part.data.decode("utf-8", "replace") for part in fields},
        _content(reader, file, body),
    )


async def _content(
    reader: _Reader, file: _Part, body: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    while True:
        yield bytes(file.data)
        file.data.clear()
        chunk = await anext(body, None)
        if chunk is None:
            break
        reader.feed(chunk)
    if not file.is_whole:
        raise Invalid("The form is incomplete.")
