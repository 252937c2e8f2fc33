"""The health check of a container: `python -m chassis.probe URL` fails unless it answers 200."""

import sys
from urllib.request import urlopen

if __name__ == "__main__":
    with urlopen(sys.argv[1], timeout=2) as answer:  # noqa: S310  # nosec B310
        sys.exit(answer.status != 200)
