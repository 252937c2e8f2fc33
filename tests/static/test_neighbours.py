"""Which conflicts of a line merge are settled, and which stay."""

import pytest

from tests.support.mover import mover

TABLE = "| Path | What |\n| --- | --- |\n| `a` | A |\n"
SERVICES = "services:\n  api:\n    image: api:1\n"
RECIPE = "test:\n\t@echo test\n"

SETTLED = {
    "a bump beside an added requirement": (
        "pyproject.toml",
        'dependencies = [\n    "a>=1",\n    "b>=1",\n]\n',
        'dependencies = [\n    "a>=2",\n    "b>=2",\n]\n',
        'dependencies = [\n    "a>=1",\n    "aa>=1",\n    "b>=1",\n]\n',
        'dependencies = [\n    "a>=2",\n    "aa>=1",\n    "b>=2",\n]\n',
    ),
    "two services at the end": (
        "docker-compose.prod.yml",
        SERVICES,
        SERVICES + "  ours:\n    image: ours:1\n",
        SERVICES + "  redis:\n    image: redis:8\n",
        SERVICES + "  redis:\n    image: redis:8\n  ours:\n    image: ours:1\n",
    ),
    "a service, and a section behind the services": (
        "docker-compose.prod.yml",
        SERVICES,
        SERVICES + "  ours:\n    image: ours:1\n",
        SERVICES + "volumes:\n  data:\n",
        SERVICES + "  ours:\n    image: ours:1\nvolumes:\n  data:\n",
    ),
    "an edited service that others repeat": (
        "compose.yml",
        "services:\n  one:\n    image: x:1\n",
        "services:\n  one:\n    image: x:1\n    shm_size: 1g\n",
        "services:\n  one: &one\n    image: x:1\n  two: *one\n",
        "services:\n  one: &one\n    image: x:1\n    shm_size: 1g\n  two: *one\n",
    ),
    "a value beside an added variable": (
        ".env.example",
        "A=1\nB=1\n",
        "A=1\nB=2\n",
        "A=1\nC=1\nB=1\n",
        "A=1\nC=1\nB=2\n",
    ),
    "a pinned image beside an added line": (
        "services/api/Dockerfile",
        "FROM python:3.13\nWORKDIR /app\n",
        "FROM python:3.13@sha256:1\nWORKDIR /app\n",
        "FROM python:3.13\nRUN true\nWORKDIR /app\n",
        "FROM python:3.13@sha256:1\nRUN true\nWORKDIR /app\n",
    ),
    "a row, and rows with a section behind them": (
        "AGENTS.md",
        TABLE,
        TABLE + "| `ours` | Ours |\n",
        TABLE + "| `b` | B |\n\n## More\n",
        TABLE + "| `b` | B |\n| `ours` | Ours |\n\n## More\n",
    ),
    "two rows": (
        "AGENTS.md",
        TABLE,
        TABLE + "| `ours` | Ours |\n",
        TABLE + "| `b` | B |\n",
        TABLE + "| `b` | B |\n| `ours` | Ours |\n",
    ),
    "two ignored files": (".gitignore", "a\n", "a\nours\n", "a\nb\n", "a\nb\nours\n"),
    "two targets": (
        "make/x.mk",
        RECIPE,
        RECIPE + "\nours:\n\t@echo ours\n",
        RECIPE + "\nb:\n\t@echo b\n",
        RECIPE + "\nb:\n\t@echo b\n\nours:\n\t@echo ours\n",
    ),
}

CONFLICTS = {
    "one requirement, bumped by both": (
        "pyproject.toml",
        'dependencies = [\n    "a>=1",\n]\n',
        'dependencies = [\n    "a>=2",\n]\n',
        'dependencies = [\n    "a>=3",\n]\n',
    ),
    "a requirement that is bumped here and goes there": (
        "pyproject.toml",
        'dependencies = [\n    "a>=1",\n    "b",\n]\n',
        'dependencies = [\n    "a>=2",\n    "b",\n]\n',
        'dependencies = [\n    "b",\n]\n',
    ),
    "one service, added by both": (
        "compose.yml",
        SERVICES,
        SERVICES + "  redis:\n    image: redis:7\n",
        SERVICES + "  redis:\n    image: redis:8\n",
    ),
    "one variable, added by both": (".env.example", "A=1\n", "A=1\nB=1\n", "A=1\nB=2\n"),
    "two blocks, each of which belongs to the line above": (
        "compose.yml",
        SERVICES,
        SERVICES + "    ports: [1]\n  ours:\n    image: ours:1\n",
        SERVICES + "    init: true\n  redis:\n    image: redis:8\n",
    ),
    "two lines of one recipe": (
        "make/x.mk",
        RECIPE,
        RECIPE + "\t@echo ours\n",
        RECIPE + "\t@echo b\n",
    ),
    "two lines of one recipe, side by side": (
        "make/x.mk",
        "test:\n\t@echo a\n\t@echo b\n",
        "test:\n\t@echo A\n\t@echo b\n",
        "test:\n\t@echo a\n\t@echo B\n",
    ),
    "two lines of one command": (
        "Dockerfile",
        "RUN a \\\n && b\n",
        "RUN A \\\n && b\n",
        "RUN a \\\n && B\n",
    ),
    "two steps of an image at one place": (
        "Dockerfile",
        "FROM python:3.13\n",
        "FROM python:3.13\nUSER 1\n",
        "FROM python:3.13\nRUN apt-get update\n",
    ),
    "two sentences of one paragraph": ("README.md", "A.\nB.\n", "A1.\nB.\n", "A.\nB2.\n"),
    "two statements side by side": ("a.py", "a = 1\nb = 1\n", "a = 2\nb = 1\n", "a = 1\nb = 2\n"),
}


@pytest.mark.parametrize("name", SETTLED)
def test_entries_of_a_list_are_merged(name: str) -> None:
    path, *texts, wanted = SETTLED[name]
    merged, outcome = mover.merged_text(path, *(text.encode() for text in texts))
    assert (merged.decode(), outcome.name) == (wanted, "SETTLED")


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_both_sides_changed_is_a_conflict(name: str) -> None:
    path, *texts = CONFLICTS[name]
    merged, outcome = mover.merged_text(path, *(text.encode() for text in texts))
    assert outcome.name == "CONFLICT"
    assert b"<<<<<<< before updating" in merged
