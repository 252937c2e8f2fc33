"""Finds what a merge without conflicts has broken: duplicates, errors of Compose and of ruff."""

import os
import re
import shutil
import subprocess
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from moving.forms import env_keys, yaml_of
from moving.merging import Merge
from moving.repository import File, Team


def is_compose(path: str) -> bool:
    return re.fullmatch(r"(.*/)?(docker-)?compose(\.[a-z]+)?\.ya?ml", path) is not None


def services_of(tree: Mapping[str, File]) -> dict[str, list[str]]:
    """Return the compose files that define each service with an image or a build."""
    found: dict[str, list[str]] = {}
    for path in filter(is_compose, tree):
        try:
            document = yaml_of(tree[path].content)
        except ValueError:
            continue
        services = document.get("services") if isinstance(document, dict) else None
        for name, service in (services or {}).items():
            if isinstance(service, dict) and {"image", "build", "extends"} & service.keys():
                found.setdefault(name, []).append(path)
    return found


def purpose(path: str) -> str:
    """Return what a compose file is for, such as "prod"; "" for the one that is always read."""
    stem = PurePosixPath(path).stem
    return stem.partition(".")[2]


def problems(found: Merge, team: Team) -> list[str]:
    """Return what is wrong in the files now although every line was merged without a conflict."""
    said = []
    whole = {**{path: team[path] for path in team if is_compose(path)}, **found.changed}
    for path in found.removed:
        whole.pop(path, None)
    for path, file in sorted(found.changed.items()):
        if path in found.conflicts or not file.is_text:
            continue
        text = file.content
        try:
            if path.endswith((".yml", ".yaml")):
                yaml_of(text)
            elif path.endswith(".toml"):
                tomllib.loads(text.decode())
            elif path.endswith(".py"):
                compile(text, path, "exec")
            elif path == ".env.example":
                for key, count in Counter(env_keys(text)).items():
                    if count > 1:
                        raise ValueError(f"{key} occurs {count} times; the last one counts")
        except (ValueError, SyntaxError) as error:
            said.append(f"{path}: {error}")
    for name, paths in sorted(services_of(whole).items()):
        for kind in sorted(set(map(purpose, paths))):
            same = [path for path in paths if purpose(path) == kind]
            if len(same) > 1:
                said.append(f'The service "{name}" is defined in {" and in ".join(same)}.')
    return said


def composed() -> list[str]:
    """Return the errors of Docker Compose for the files of each purpose, if it is installed."""
    version = ["docker", "compose", "version"]
    if not shutil.which("docker") or subprocess.run(version, capture_output=True).returncode:
        return []
    files = [*Path().glob("*/*/compose*.yml"), *Path().glob("*compose*.y*ml")]
    wanted = {name for path in files for name in re.findall(r"\$\{(\w+):?\?", path.read_text())}
    outer = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
    said = []
    purposes = {purpose(str(path)) for path in files} - {"override"}
    if not Path("docker-compose.yml").exists():
        purposes = {""}  # the team renamed it, and Compose finds it by itself
    for name in sorted(purposes):
        more = sorted(Path().glob(f"*/*/compose.{name}.yml"))
        chosen = [Path("docker-compose.yml"), Path(f"docker-compose.{name}.yml"), *more]
        chosen += [Path("docker-compose.override.yml")]
        there = [part for path in chosen if path.exists() for part in ("-f", str(path))]
        done = subprocess.run(
            ["docker", "compose", *(there if name else ()), "config", "--quiet"],
            capture_output=True,
            text=True,
            env=dict.fromkeys(wanted, "x") | outer,
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1]
            said.append(f"Compose refuses the files{' of ' + name if name else ''}: {reason}")
    return said


def undefined() -> list[str]:
    """Return undefined and redefined names, if ruff is installed in the project."""
    ruff = Path(".venv/bin/ruff")
    if not ruff.exists():
        return []
    rules = ["--select", "F63,F7,F811,F821", "--output-format", "concise", "--quiet"]
    done = subprocess.run(
        [ruff, "check", "--isolated", *rules, "services", "shared"], capture_output=True, text=True
    )
    return done.stdout.splitlines()


def problems_on_disk() -> list[str]:
    """Return what make, Compose, the linter and the models say of the files that are there now."""
    said = []
    done = subprocess.run(
        ["make", "--dry-run", "help"], capture_output=True, text=True, env=without_make()
    )
    for place, target in re.findall(
        r"^(.*?): warning: (?:overriding (?:recipe|commands) for target) [`']([^']+)'",
        done.stderr,
        re.MULTILINE,
    ):
        said.append(f'{place}: this target replaces the project\'s own "make {target}".')
    tables: dict[str, list[str]] = {}
    for path in sorted(Path("services").glob("*/src/**/models.py")):
        for name in re.findall(
            r"^    __tablename__ = ['\"](\w+)['\"]", path.read_text(errors="replace"), re.MULTILINE
        ):
            tables.setdefault(f"{path.parts[1]} {name}", []).append(str(path))
    for table, paths in tables.items():
        if len(paths) > 1:
            said.append(f'The table "{table.split()[1]}" is in {" and in ".join(paths)}.')
    return said + composed() + undefined()


def without_make() -> dict[str, str]:
    """Return the environment without what the make around this has set."""
    return {
        key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))
    }
