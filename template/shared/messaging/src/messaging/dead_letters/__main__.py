"""Show dead letters, or put them back: `python -m messaging.dead_letters QUEUE --requeue`.

A message that is put back comes as if for the first time; whoever reads it tells by its id whether
it had its effect already.
"""

import argparse
import asyncio
import sys

from chassis.errors import Unavailable
from chassis.settings import read_settings
from messaging.dead_letters.queue import dead_letters
from messaging.publisher import UNREACHABLE
from messaging.settings import RabbitSettings


async def run(queue: str, limit: int | None, requeue: bool) -> None:
    """Do it, and say it."""
    number = 0
    found = dead_letters(read_settings(RabbitSettings), queue, limit, requeue=requeue)
    async for message_id, reason in found:
        number += 1
        print(f"{message_id}  {reason}")
    print(f"{queue}: {number} messages {'were put back' if requeue else 'are dead-lettered'}")


def main() -> int:
    """Return 0 when it could be done."""
    parser = argparse.ArgumentParser(prog="python -m messaging.dead_letters", description=__doc__)
    parser.add_argument("queue", help="the queue that they came from")
    parser.add_argument("--limit", type=int, help="how many at most (all)")
    parser.add_argument("--requeue", action="store_true", help="put them back")
    given = parser.parse_args()
    try:
        asyncio.run(run(given.queue, given.limit, given.requeue))
    except (LookupError, Unavailable, *UNREACHABLE) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
