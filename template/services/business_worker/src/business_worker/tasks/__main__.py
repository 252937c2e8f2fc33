"""Start, list and cancel tasks: `python -m business_worker.tasks list`, in the container."""

import argparse
import asyncio
import sys

from business_worker.tasks.manager import Task
from business_worker.tasks.socket import Request, ask


def shown(task: Task) -> str:
    """Return a task as a line."""
    until = "" if task.ended_at is None else f" until {task.ended_at:%H:%M:%S}"
    line = f"{task.id:4}  {task.name}  {task.state}  {task.started_at:%Y-%m-%d %H:%M:%S}{until}"
    return f"{line}  {task.detail}".rstrip()


def main() -> int:
    """Return 0 when it could be done."""
    parser = argparse.ArgumentParser(prog="python -m business_worker.tasks", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="show what runs, and what ran last")
    actions.add_parser("start", help="start a task").add_argument("name")
    actions.add_parser("cancel", help="cancel a task").add_argument("id", type=int)
    request = Request.model_validate(vars(parser.parse_args()))
    try:
        reply = asyncio.run(ask(request))
    except OSError as error:
        print(f"The worker does not run here: {error}", file=sys.stderr)
        return 1
    if reply.error:
        print(reply.error, file=sys.stderr)
        return 1
    for task in reply.tasks:
        print(shown(task))
    return 0


if __name__ == "__main__":
    sys.exit(main())
