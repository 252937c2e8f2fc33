"""Requests a second through both services, and what a service takes before it works."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from benchmarks.measure import Result, paired, ratio
from extensions.stages import ROOT, Combination, load
from tests.support.project import Project, outer_environment, start

ROUNDS = 5
STARTS = 3
SECONDS = 3
CONNECTIONS = 32
ORDERS = 1000
PASSWORD = "bench"
SEED = f"""
INSERT INTO orders (id, customer_id, status, currency, total, version, created_at)
SELECT gen_random_uuid(), 'customer-1', 'placed', 'EUR', 13.50, 1, now() - n * interval '1 second'
FROM generate_series(1, {ORDERS}) AS n;
INSERT INTO order_lines (order_id, position, sku, quantity, unit_amount)
SELECT id, position, 'TEA-' || position, 1, 4.50 FROM orders, generate_series(0, 2) AS position;
ANALYZE;
"""
AIMS = {1: 0.6, 2: 0.85, 3: 0.8, 4: 0.8}
# The most popular FastAPI template, one process with a token check, leaves 0.34 of the floor.
FLOOR_AIM = 0.5
# Level 4 once more, with a collector of traces.
TRACED = 5


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(url: str) -> None:
    """Return once the address answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=5):
                return
        except HTTPError:
            return  # a refusal is an answer
        except (URLError, ConnectionError):
            time.sleep(0.01)
    raise TimeoutError(url)


@contextmanager
def postgres() -> Iterator[int]:
    """A PostgreSQL in a container; yields its port."""
    port, name = free_port(), f"stagecraft-bench-{os.getpid()}"
    publish = f"127.0.0.1:{port}:5432"
    environment = ["--env", "POSTGRES_USER=app", "--env", f"POSTGRES_PASSWORD={PASSWORD}"]
    run = ["docker", "run", "--rm", "--detach", "--name", name, "--publish", publish]
    subprocess.run([*run, *environment, "postgres:17-trixie"], check=True, capture_output=True)
    try:
        yield port
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)


@contextmanager
def redis() -> Iterator[int]:
    """A Redis in a container, for the sessions of level 4; yields its port."""
    port, name = free_port(), f"stagecraft-bench-redis-{os.getpid()}"
    run = ["docker", "run", "--rm", "--detach", "--name", name]
    publish = ["--publish", f"127.0.0.1:{port}:6379"]
    server = ["redis:8", "redis-server", "--requirepass", PASSWORD]
    subprocess.run([*run, *publish, *server], check=True, capture_output=True)
    try:
        yield port
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)


def secured(project: Project, redis_port: int) -> dict[str, str]:
    """The settings that level 4 adds: keys, Redis, and tokens that outlive the run."""
    project.make("env")
    keys = ("ISSUER_SIGNING_KEYS", "SERVICE_PRIVATE_KEY", "SERVICE_PUBLIC_KEYS")
    found = dict(re.findall(r'^(\w+)="?(.*?)"?$', project.read(".env"), re.MULTILINE))
    return {key: found[key] for key in keys} | {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis_port),
        "REDIS_PASSWORD": PASSWORD,
        "ISSUER_ACCESS_TOKEN_SECONDS": "3600",
        "ISSUER_SESSION_IDLE_SECONDS": "7200",
    }


def token_of(project: Project, environment: Mapping[str, str]) -> str:
    """A token of the customer whose orders are read."""
    python = str(project.path / ".venv/bin/python")
    command = [python, "-m", "business_api.identity", "token", "customer-1", "customer"]
    env = outer_environment() | dict(environment)
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Served:
    """A process that answers."""

    url: str
    process: subprocess.Popen[bytes]
    cold_start: float

    @property
    def resident_mb(self) -> float:
        """Resident memory in megabytes, from /proc."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        if match is None:
            raise ValueError("no VmRSS in /proc")
        return int(match[1]) / 1024


@contextmanager
def served(
    project: Project, app: str, environment: Mapping[str, str], runner: str = "-m uvicorn"
) -> Iterator[Served]:
    """Run an application with one uvicorn process, as the image does."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    option = ["--port"] if runner == "-m uvicorn" else []
    begin = time.monotonic()
    process = subprocess.Popen(
        [str(project.path / ".venv/bin/python"), *runner.split(), app, *option, str(port)],
        cwd=ROOT / "benchmarks",
        env=outer_environment() | dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"{url}/openapi.json")
        yield Served(url, process, time.monotonic() - begin)
    finally:
        process.terminate()
        process.wait(30)


class _Sink(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def collector() -> Iterator[dict[str, str]]:
    """Something that takes traces; yields the settings that send it a tenth of them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_SAMPLER_ARG": "0.1"}
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chain(
    project: Project,
    database: Mapping[str, str],
    extra: Mapping[str, str],
    runner: str = "-m uvicorn",
) -> Iterator[tuple[Served, Served]]:
    """Run both services of a project; yields the data service and the business service."""
    with served(project, "data_postgres_api.main:app", {**database, **extra}, runner) as data:
        front = {"DATA_SERVICE_URL": data.url, **extra}
        with served(project, "business_api.main:app", front, runner) as business:
            yield data, business


def where_it_goes(
    project: Project, database: Mapping[str, str], extra: Mapping[str, str], path: str
) -> Iterator[Result]:
    """Sample both services while orders are read, and say what took the CPU time."""
    with TemporaryDirectory() as name:
        with chain(project, database, {**extra, "SAMPLES": name}, "sampled.py") as (data, business):
            token = token_of(project, {"DATA_SERVICE_URL": data.url, **extra})
            load_with_wrk(business.url + path, [f"Authorization: Bearer {token}"])
        for service in ("business_api", "data_postgres_api"):
            counts: dict[str, int] = json.loads(Path(name, service).read_text())
            whole = sum(counts.values())
            parts = sorted(counts.items(), key=lambda item: -item[1])
            yield Result(
                f"where the CPU time of {service} goes, level 4",
                "all samples, its start among them",
                ", ".join(f"{part} {count / whole:.0%}" for part, count in parts),
                None,
                "",
                None,
            )


def load_with_wrk(url: str, headers: Sequence[str] = ()) -> tuple[float, float]:
    """Return requests a second and the 99th percentile in milliseconds; an error is an error."""
    wrk = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s"]
    given = [option for header in headers for option in ("--header", header)]
    output = subprocess.run(
        [*wrk, *given, "--latency", url], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    if rate is None or late is None:
        raise ValueError(output)
    return float(rate[1]), float(late[1]) * {"us": 0.001, "ms": 1, "s": 1000}[late[2]]


def measure_requests() -> Iterator[Result]:
    """List and read orders through business, data and PostgreSQL, against one bare process."""
    if shutil.which("wrk") is None:
        raise SystemExit("make bench needs wrk (Debian: apt-get install wrk).")
    highest = load().highest
    with TemporaryDirectory() as name, ExitStack() as stack:
        projects = {}
        for level in range(1, highest + 1):
            projects[level] = start(Path(name) / f"level{level}", Combination(level))
            projects[level].make("setup")
        port = stack.enter_context(postgres())
        database = {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(port),
            "POSTGRES_PASSWORD": PASSWORD,
        }
        # The tables of the highest level are those of all.
        secrets = secured(projects[4], stack.enter_context(redis()))
        data = projects[highest].path / "services/data_postgres_api"
        alembic = [str(projects[highest].path / ".venv/bin/alembic"), "upgrade", "heads"]
        environment = outer_environment() | database | secrets
        subprocess.run(alembic, cwd=data, env=environment, check=True, capture_output=True)
        psql = [
            "docker",
            "exec",
            "-i",
            f"stagecraft-bench-{os.getpid()}",
            "psql",
            "--username",
            "app",
        ]
        subprocess.run(psql, input=SEED.encode(), check=True, capture_output=True)

        url = f"postgresql+asyncpg://app:{PASSWORD}@127.0.0.1:{port}/app"
        bare = stack.enter_context(served(projects[1], "bare:app", {"BARE_URL": url}))
        traced = secrets | stack.enter_context(collector())
        chains = {
            level: stack.enter_context(chain(project, database, secrets if level >= 4 else {}))
            for level, project in projects.items()
        }
        owner, _ = chains[4]
        chains[TRACED] = stack.enter_context(chain(projects[4], database, traced))
        # Every process that has the keys accepts the token.
        token = token_of(projects[4], {"DATA_SERVICE_URL": owner.url, **secrets})
        bearer = [f"Authorization: Bearer {token}"]

        with urlopen(f"{bare.url}/api/v1/orders") as answer:
            one = json.load(answer)["items"][0]["id"]
        paths = {
            "list of 20 orders": "/api/v1/orders",
            "read of one order": f"/api/v1/orders/{one}",
        }
        for what, path in paths.items():
            runs: dict[int, list[tuple[float, float]]] = {number: [] for number in (0, *chains)}
            for _ in range(ROUNDS):
                runs[0].append(load_with_wrk(bare.url + path))
                for number, (_, front) in chains.items():
                    sent = bearer if number >= 4 else []
                    runs[number].append(load_with_wrk(front.url + path, sent))
            # Level 4 is held against level 1, and against the floor too.
            for level, base in [(level, int(level > 1)) for level in projects] + [(4, 0)]:
                against = [rate for rate, _ in runs[base]]
                value = ratio([rate for rate, _ in runs[level]], against)
                aim = FLOOR_AIM if (level, base) == (4, 0) else AIMS[level]
                yield Result(
                    f"{what}, level {level}",
                    "one bare FastAPI process" if base == 0 else "level 1",
                    f"{median(rate for rate, _ in runs[level]):.0f} requests/s, "
                    f"p99 {median(late for _, late in runs[level]):.0f} ms "
                    f"(baseline {median(against):.0f}, "
                    f"p99 {median(late for _, late in runs[base]):.0f} ms)",
                    value,
                    f"at least {aim}",
                    value >= aim,
                )
            yield Result(
                f"{what}, level 4, a tenth of requests traced",
                "level 4 without a collector",
                f"{median(rate for rate, _ in runs[TRACED]):.0f} requests/s",
                ratio([rate for rate, _ in runs[TRACED]], [rate for rate, _ in runs[4]]),
                "",
                None,
            )
        yield from where_it_goes(projects[4], database, secrets, paths["read of one order"])
        for level in projects:
            _, front = chains[level]
            yield Result(
                f"resident memory of business_api after the load, level {level}",
                "the bare process",
                f"{front.resident_mb:.0f} MB (baseline {bare.resident_mb:.0f} MB)",
                front.resident_mb / bare.resident_mb,
                "1.5 at level 3",
                None,
            )

        def cold(project: Project, app: str, extra: Mapping[str, str]) -> float:
            with served(project, app, extra) as process:
                return process.cold_start

        for level, project in projects.items():
            starts, base_starts = paired(
                STARTS,
                lambda project=project: cold(project, "business_api.main:app", secrets),  # type: ignore[misc]
                lambda: cold(projects[1], "bare:app", {"BARE_URL": url}),
            )
            yield Result(
                f"cold start of business_api to the first 200, level {level}",
                "the bare process",
                f"{median(starts):.2f} s (baseline {median(base_starts):.2f} s)",
                ratio(starts, base_starts),
                "1.5 at level 3",
                None,
            )


BARE_IMAGE = """\
FROM python:3.13-slim
COPY --from=ghcr.io/astral-sh/uv:0.13 /uv /bin/uv
WORKDIR /app
RUN uv venv --quiet && uv pip install --quiet --no-cache 'fastapi' 'uvicorn[standard]'
CMD ["/app/.venv/bin/uvicorn", "--version"]
"""


def size_of(image: str) -> float:
    """The size of an image in megabytes."""
    inspect = ["docker", "image", "inspect", image, "--format", "{{.Size}}"]
    done = subprocess.run(inspect, check=True, capture_output=True, text=True)
    return int(done.stdout) / 1e6


def measure_images() -> Iterator[Result]:
    """The size of each service's image against an image with FastAPI and uvicorn alone."""
    tag = f"stagecraft-bench-{os.getpid()}"
    with TemporaryDirectory() as name:
        build = ["docker", "build", "--quiet", "--tag", f"{tag}:bare", "-"]
        subprocess.run(build, input=BARE_IMAGE.encode(), check=True, capture_output=True)
        made = [f"{tag}:bare"]
        try:
            bare = size_of(f"{tag}:bare")
            for level in range(1, load().highest + 1):
                project = start(Path(name) / f"level{level}", Combination(level))
                project.make("setup")  # from level 3 on images are built from the lock
                for service in ("business_api", "data_postgres_api"):
                    made.append(f"{tag}:{service}-{level}")
                    file = ["--file", f"services/{service}/Dockerfile"]
                    build = ["docker", "build", "--quiet", "--tag", made[-1], *file, "."]
                    subprocess.run(build, cwd=project.path, check=True, capture_output=True)
                    size = size_of(made[-1])
                    yield Result(
                        f"image of {service}, level {level}",
                        "an image with FastAPI and uvicorn",
                        f"{size:.0f} MB (baseline {bare:.0f} MB)",
                        size / bare,
                        "at most 1.5 at level 3",
                        size / bare <= 1.5 if level == 3 else None,
                    )
        finally:
            subprocess.run(["docker", "image", "rm", *made], capture_output=True)
