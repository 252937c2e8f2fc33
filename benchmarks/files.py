"""Megabytes a second through the files service, against a bare route over the same store.

And the memory that it takes while 2 GB pass. The scanner is not in the way: it reads content later.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.measure import Result, paired, ratio
from benchmarks.services import free_port
from extensions.stages import Combination
from tests.support.project import Project, outer_environment, start

ROUNDS = 5
SIZE = 200_000_000
LARGE = 2_000_000_000
AIM = 0.5
MAX_MEMORY = 150

# The service as it is, with rows in memory; it prints the links to a file that is expected.
SERVICE = """
import sys, uvicorn
from business_files import main
from business_files.content.uploads import Uploads
from business_files.settings import TransferSettings
from business_files.testing import FilesInMemory
from contracts.files import FileState

rows, app = FilesInMemory(), main.app

@app.get("/new")
async def new() -> dict[str, str]:
    app.state.files = rows
    app.state.uploads = Uploads(rows, app.state.objects, TransferSettings())
    file = rows.expect(max_size=10**10)
    link = app.state.links.sign
    path = f"/api/v1/content/{file.id}"
    links = {"put": link("PUT", path, 600).url, "get": link("GET", path, 600).url}
    return {"id": str(file.id), **links}

@app.get("/ready/{file_id}")
async def ready(file_id: str) -> None:
    for key, file in rows.stored.items():
        if str(key) == file_id:
            given = {"state": FileState.READY, "content_type": "application/zip"}
            rows.stored[key] = file.model_copy(update=given)

uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""
BARE = """
import sys, obstore, uvicorn
from fastapi import FastAPI, Request
from obstore.store import LocalStore
from starlette.responses import StreamingResponse

app, store = FastAPI(), LocalStore(sys.argv[2], mkdir=True)

@app.get("/new")
async def new() -> dict[str, str]:
    return {"id": "1", "put": "/bare", "get": "/bare"}

@app.get("/ready/{file_id}")
async def ready(file_id: str) -> None:
    pass

@app.put("/bare")
async def put(request: Request) -> None:
    await obstore.put_async(store, "bare", request.stream())

@app.get("/bare")
async def get() -> StreamingResponse:
    found = await obstore.get_async(store, "bare")
    return StreamingResponse(found.stream())

uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


class Server:
    """A process that takes and gives content."""

    def __init__(self, project: Project, script: str, folder: Path) -> None:
        self.port = free_port()
        environment = outer_environment() | {
            "FILES_FOLDER": str(folder),
            "FILES_LINK_KEY": "k" * 48,
            "FILES_PUBLIC_URL": "",
        }
        python = str(project.path / ".venv/bin/python")
        self.process = subprocess.Popen(
            [python, "-c", script, str(self.port), str(folder)],
            cwd=project.path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.links: dict[str, str] = {}

    def get(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return bytes(answer.read())

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get("/new")
            except (URLError, ConnectionError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def upload(self, file: Path) -> float:
        """Send a file, and return megabytes a second."""
        self.links = json.loads(self.get("/new"))
        url = f"http://127.0.0.1:{self.port}{self.links['put']}"
        return self._rate(file.stat().st_size, "--upload-file", str(file), url)

    def download(self, size: int) -> float:
        """Read what was sent, and return megabytes a second."""
        self.get(f"/ready/{self.links['id']}")
        return self._rate(size, f"http://127.0.0.1:{self.port}{self.links['get']}")

    def _rate(self, size: int, *arguments: str) -> float:
        begin = time.perf_counter()
        curl = ["curl", "--silent", "--fail", "--output", os.devnull, *arguments]
        subprocess.run(curl, check=True)
        return size / 1e6 / (time.perf_counter() - begin)

    def memory(self) -> float:
        """The most resident memory that it had, in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1000

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextmanager
def serving(project: Project, folder: Path) -> Iterator[tuple[Server, Server]]:
    """Run the service and the bare one."""
    servers = Server(project, SERVICE, folder / "service"), Server(project, BARE, folder / "bare")
    try:
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.close()


def made(folder: Path, size: int) -> Path:
    """Return a file of random content."""
    file = folder / str(size)
    with file.open("wb") as output:
        for _ in range(size // 1_000_000):
            output.write(os.urandom(1_000_000))
    return file


def measure() -> Iterator[Result]:
    """Send and read the same content in turn."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        modules = frozenset(["file_storage"])
        project = start(folder / "project", Combination(1, modules, example=False))
        project.make("setup")
        file, large = made(folder, SIZE), made(folder, LARGE)
        with serving(project, folder) as (service, bare):
            sent, bare_sent = paired(
                ROUNDS, lambda: service.upload(file), lambda: bare.upload(file)
            )
            read, bare_read = paired(
                ROUNDS, lambda: service.download(SIZE), lambda: bare.download(SIZE)
            )
            for what, values, base in (
                ("upload of 200 MB", sent, bare_sent),
                ("download of 200 MB", read, bare_read),
            ):
                found = ratio(values, base)
                yield Result(
                    f"{what}, level 1",
                    "a bare route over the same store",
                    f"{median(values):.0f} MB/s (baseline {median(base):.0f})",
                    found,
                    f"at least {AIM}",
                    found >= AIM,
                )
            service.upload(large)
            service.download(LARGE)
            memory = service.memory()
            yield Result(
                "memory of business_files, 2 GB in and out",
                "",
                f"{memory:.0f} MB",
                None,
                f"at most {MAX_MEMORY} MB",
                memory <= MAX_MEMORY,
            )
