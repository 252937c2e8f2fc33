"""Versions from pipelines and people are checked before anything expands them."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.project import Project, start

BAD = (
    "1.2.2$(shell touch ran)",
    "1.2.2$(touch ran)",
    "1.2.2`touch ran`",
    "1.2.2;touch ran",
    "1.2.2' ; touch ran ; '",
    '1.2.2" ; touch ran ; "',
    "1.2.2\ntouch ran",
    "1.2.2 --back",
    "${IFS}",
    "latest",
    "v1.2",
)
TARGETS = ("release", "images", "push", "rollout", "rollback", "deploy", "deploy-back", "stack")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return start(tmp_path_factory.mktemp("versions") / "shop", Combination(4))


@pytest.mark.parametrize("version", BAD)
def test_an_invalid_version_runs_nothing(project: Project, version: str) -> None:
    for target in TARGETS:
        # Nothing that a target before the check would start is there.
        done = subprocess.run(
            ["make", target, f"VERSION={version}", "TO=deploy@shop.example"],
            cwd=project.path,
            env=os.environ | {"DOCKER_HOST": "tcp://127.0.0.1:1", "PATH": path_without(project)},
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0, target
        assert "version" in (done.stderr + done.stdout).lower(), (target, done.stderr)
        assert not list(project.path.rglob("ran")), target
    said = subprocess.run(
        ["sh", "make/version.sh", version], cwd=project.path, capture_output=True, text=True
    )
    assert said.returncode == 2
    assert "Say which version" in said.stderr


def path_without(project: Project) -> str:
    """Return a PATH whose docker and ssh do nothing: tests must not reach a real host."""
    folder = project.path.parent / "bin"
    folder.mkdir(exist_ok=True)
    for name in ("docker", "ssh"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "1.2.3-rc.1"])
def test_a_version_is_taken_with_and_without_its_letter(project: Project, version: str) -> None:
    subprocess.run(["sh", "make/version.sh", version], cwd=project.path, check=True)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("IMAGES", "ghcr.io/acme/$(shell touch ran)"),
        ("IMAGES", "ghcr.io/acme/shop;touch ran"),
        ("WATCH", "$(shell touch ran)"),
    ],
)
def test_other_variables_of_pipelines_run_nothing(
    project: Project, variable: str, value: str
) -> None:
    for given in ([f"{variable}={value}"], []):
        environment = {"PATH": path_without(project)}
        done = subprocess.run(
            ["make", "deploy", "VERSION=1.2.3", *given],
            cwd=project.path,
            env=os.environ | environment | ({} if given else {variable: value}),
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert not list(project.path.rglob("ran"))


def test_workflows_check_the_version_first(project: Project) -> None:
    folder: Path = project.path / ".github/workflows"
    for name in ("deploy.yml", "rollback.yml"):
        runs = re.findall(r"- run: (.*)", (folder / name).read_text())
        versioned = [line for line in runs if "version.sh" in line or "VERSION=" in line]
        assert versioned[0].startswith("sh make/version.sh ")
