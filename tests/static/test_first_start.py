"""What other machines lack or do otherwise: Python, defaults of Docker, certificates, modes."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from extensions.stages import ROOT, TEMPLATE, Combination
from tests.support.matrix import ALL
from tests.support.project import Project, start

# What a server runs, with the Python of its distribution: 3.9 is that of RHEL 9.
ON_SERVERS = ("engine", "images", "readers", "rollout", "stack_file", "swarm", "versions")
OLDEST = (3, 9)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return start(tmp_path_factory.mktemp("first") / "shop", Combination(4, ALL))


def oldest_python() -> str:
    """Return an interpreter of the oldest version: pyenv's, or one that uv installs."""
    version = ".".join(map(str, OLDEST))
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    for root in roots:
        if found := sorted(root.glob(f"{version}.*/bin/python")):
            return str(found[-1])
    find = ["uv", "python", "find", version]
    done = subprocess.run(find, capture_output=True, text=True)
    if done.returncode:
        subprocess.run(["uv", "python", "install", version], check=True)
        done = subprocess.run(find, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_servers_need_no_new_python(project: Project) -> None:
    code = f"import sys; assert sys.version_info[:2] == {OLDEST}; import {', '.join(ON_SERVERS)}"
    subprocess.run([oldest_python(), "-c", code], cwd=project.path / "make", check=True)


def test_every_script_that_a_server_runs_is_among_them(project: Project) -> None:
    delivery = "".join(
        (project.path / "make" / name).read_text()
        for name in ("delivery.mk", "production.mk", "swarm.mk")
    )
    named = set(re.findall(r"python3 make/(\w+)\.py", delivery.replace("\\\n", " ")))
    assert named <= set(ON_SERVERS)


# What GNU make 3.81 lacks, which is the make of macOS.
NEWER = {
    "a definition with an assignment": r"^\s*define\s+\S+\s*[:?+]?=",
    "!= and ::=": r"^\s*[A-Za-z_]\w*\s*(!=|:::?=)",
    "a function": r"\$\((file|let|intcmp) ",
    "a special target": r"^\.(ONESHELL|SHELLFLAGS|NOTINTERMEDIATE|EXTRA_PREREQS|WAIT)\b",
    "a modifier": r"^\s*(undefine|private)\s",
    "grouped targets": r"^[^\t#]*&:",
}


def test_the_makefiles_are_those_of_an_old_make(project: Project) -> None:
    files = [ROOT / "Makefile", project.path / "Makefile", *(project.path / "make").glob("*.mk")]
    assert len(files) > 10
    for file in files:
        for what, pattern in NEWER.items():
            found = re.search(pattern, file.read_text(), re.MULTILINE)
            assert found is None, f"{file.name}: {what}: {found and found.group()}"


def test_options_of_a_log_driver_name_the_driver(project: Project) -> None:
    """A daemon with another default refuses options that are those of json-file."""

    class Loader(yaml.SafeLoader):
        pass

    for tag in ("!reset", "!override"):
        Loader.add_constructor(tag, lambda loader, node: None)
    found = 0
    for path in project.path.rglob("*compose*.yml"):
        document = yaml.load(path.read_text(), Loader) or {}
        for name, service in (document.get("services") or {}).items():
            logging = (service or {}).get("logging") or {}
            if logging.get("options"):
                found += 1
                assert logging.get("driver") == "json-file", (path, name)
    assert found > 5


def test_images_that_talk_to_the_world_have_its_certificates() -> None:
    text = (TEMPLATE / "infrastructure/postgres/Dockerfile").read_text()
    assert "ca-certificates pgbackrest" in text


def test_an_image_has_one_id_however_often_it_is_built(project: Project) -> None:
    done = project.make("--print-data-base", "--dry-run", "help")
    assert "BUILDX_NO_DEFAULT_ATTESTATIONS = 1" in done.stdout


def test_files_of_a_strict_umask_become_readable_for_containers(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(1))
    for folder in ("services", "shared", "infrastructure"):
        for path in (project.path / folder).rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
    assert "readable for the users of containers" in project.make("env").stdout
    for folder in ("services", "shared", "infrastructure"):
        for path in (project.path / folder).rglob("*"):
            assert path.stat().st_mode & 0o004, path
    assert "readable" not in project.make("env").stdout
    assert (project.path / ".env").stat().st_mode & 0o077 == 0
