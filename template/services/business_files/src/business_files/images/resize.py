"""Makes the sizes of one image: `resize.py MAX_PIXELS SIDE...`, from its input to its output.

A process of its own: a decoder that is attacked by an image has no secrets of the service, little
memory and little time. Its output is, for each size, four bytes with the length and that many bytes
of WebP. It ends with 3 and a reason for an image that it does not take.
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
    """Return an image for each longest side, upright, and without what its camera wrote into it.

    Raises `ValueError` for what is no such image, or has more pixels than are decoded.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            # Before anything is decoded: the header says how large it is.
            if image.width * image.height > max_pixels:
                raise ValueError(f"the image has more than {max_pixels:,} pixels")
            has_alpha = "A" in image.getbands() or "transparency" in image.info
            upright = ImageOps.exif_transpose(image).convert("RGBA" if has_alpha else "RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError, MemoryError) as error:
        raise ValueError("the image cannot be read") from error
    found = {}
    # Each from the one before it, in place: there is never a second image of the full size.
    for side in sorted(sides, reverse=True):
        upright.thumbnail((side, side))  # never enlarges
        output = BytesIO()
        upright.save(output, "WEBP", quality=QUALITY, method=4)
        found[side] = output.getvalue()
    return [found[side] for side in sides]


def main() -> int:
    """Read an image and write its sizes; return what the process ends with."""
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
