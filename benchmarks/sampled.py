"""Runs a service and samples where its CPU time goes, in the environment of a rendered project.

Every millisecond of CPU time the innermost frame that belongs to a known part is counted. When the
process is told to end, the counts are written as JSON to the folder `SAMPLES`, a file a service.
"""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import uvicorn

# The first that a file's path contains, from the innermost frame outwards.
PARTS = {
    "/chassis/security/": "guard and tokens",
    "/joserfc/": "guard and tokens",
    "/cryptography/": "guard and tokens",
    "/business_api/identity/": "guard and tokens",
    "/opentelemetry/": "tracing",
    "/chassis/tracing": "tracing",
    "/fastapi/telemetry": "tracing",
    "/chassis/resilience": "resilience",
    "/chassis/deadline": "resilience",
    "/stamina/": "resilience",
    "/tenacity/": "resilience",
    "/structlog/": "logs and metrics",
    "/logging/": "logs and metrics",
    "/prometheus_client/": "logs and metrics",
    "/chassis/structured_logging": "logs and metrics",
    "/chassis/metrics": "logs and metrics",
    "/chassis/client_metrics": "logs and metrics",
    "/data_postgres_api/ownership": "ownership and audit",
    "/data_postgres_api/audit/": "ownership and audit",
    "/data_postgres_api/written": "ownership and audit",
    "/sqlalchemy/": "SQLAlchemy and asyncpg",
    "/asyncpg/": "SQLAlchemy and asyncpg",
    "/aiohttp/": "calls by aiohttp",
    "/fastapi/": "FastAPI and uvicorn",
    "/starlette/": "FastAPI and uvicorn",
    "/uvicorn/": "FastAPI and uvicorn",
    "/pydantic": "FastAPI and uvicorn",
    "/asyncio/": "the event loop",
    "/uvloop/": "the event loop",
}
EVERY_SECONDS = 0.001
counts: Counter[str] = Counter()


def part_of(frame: FrameType | None) -> str:
    """Return the part to which the innermost known frame belongs."""
    while frame is not None:
        file = frame.f_code.co_filename
        for path, part in PARTS.items():
            if path in file:
                return part
        frame = frame.f_back
    return "everything else"


def sample(_: int, frame: FrameType | None) -> None:
    counts[part_of(frame)] += 1


if __name__ == "__main__":
    app, port = sys.argv[1:]
    signal.signal(signal.SIGPROF, sample)
    # uvicorn raises the signal that ended it once more, which would end this before it has written.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    # To be interrupted within a system call is no error.
    signal.siginterrupt(signal.SIGPROF, False)
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
    try:
        uvicorn.run(app, port=int(port))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        service = app.partition(".")[0]
        Path(os.environ["SAMPLES"], service).write_text(json.dumps(counts))
