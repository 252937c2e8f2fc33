"""Resizes one image from stdin to stdout: `resize.py MAX_PIXELS SIDE...`.

It runs as a separate process, so an exploited decoder has no secrets, little memory and little
time. The output contains, for each size, a length of four bytes and a WebP image. The exit code is
3, with a reason on stderr, if the image is rejected.
"""

import resource
import sys
from io import BytesIO

from PIL import Image, ImageOps

MAX_MEMORY = 1024 * 1024 * 1024
MAX_SECONDS = 10
QUALITY = 80
FORMATS = ("GIF", "JPEG", "PNG", "WEBP")
REFUSED = 3


def resized(content: bytes, max_pixels: int, sides: list[int]) -> list[bytes]:
    """Return the image in each size, with its orientation applied and without metadata.

    Raises `ValueError` for other content, and for more than `max_pixels`.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            # Checked by the header, before decoding.
            if image.width * image.height > max_pixels:
                raise ValueError(f"the image has more than {max_pixels:,} pixels")
            has_alpha = "A" in image.getbands() or "transparency" in image.info
            upright = ImageOps.exif_transpose(image).convert("RGBA" if has_alpha else "RGB")
    except (OSError, SyntaxError, MemoryError) as error:
        raise ValueError("the image cannot be read") from error
    found = {}
    # Each from the previous one, in place, so there is only one image of the full size.
    for side in sorted(sides, reverse=True):
        upright.thumbnail((side, side))  # never enlarges
        output = BytesIO()
        upright.save(output, "WEBP", quality=QUALITY, method=4)
        found[side] = output.getvalue()
    return [found[side] for side in sides]


def main() -> int:
    """Read an image and write its sizes; return what the process ends with."""
    # Pillow would only warn, on stderr; the limit is checked above.
    Image.MAX_IMAGE_PIXELS = None
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    try:
        max_pixels, *sides = map(int, sys.argv[1:])
        found = resized(sys.stdin.buffer.read(), max_pixels, sides)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return REFUSED
    for each in found:
        sys.stdout.buffer.write(len(each).to_bytes(4) + each)
    return 0


if __name__ == "__main__":
    sys.exit(main())
