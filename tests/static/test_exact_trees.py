"""The rendered tree is what the rules give, and every file of it is right."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from extensions.stages import Combination, template_files
from tests.support.docker import compose_files, require_docker
from tests.support.matrix import BARE, FULL, PYTHONS, RULES, by_turns, covering
from tests.support.mover import mover
from tests.support.project import empty_directories, files_of, render

BIN = Path(sys.executable).parent
JINJA = re.compile(r"\{\{ | \}\}|\{%|%\}|\{#|#\}")
FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
# The templates of Prometheus and the expressions of GitHub look like Jinja.
GO = re.compile(r"\{\{ \$[^}]*\}\}|\$\{\{[^}]*\}\}")


class _Loader(yaml.SafeLoader):
    """YAML with the tags that Compose adds."""


for tag in ("!reset", "!override"):
    _Loader.add_constructor(tag, lambda loader, node: None)


ANSWERS = {
    "project_name": 'Zoë\'s "Corner" Shop',
    "description": 'We sell "tea" & coffee \\ cake | more: #1',
    "author": "Zoë O'Neil <zoe@example.org>",
}
EVERY = (
    [(combination, python) for combination in RULES.combinations() for python in PYTHONS]
    if FULL
    else by_turns()
) + [(combination, PYTHONS[0]) for combination in BARE]


def rendered_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Combination, Path]:
    """Render one combination; the project's name is one that is easy to get wrong."""
    combination, python = request.param
    target = tmp_path_factory.mktemp("exact") / "project"
    render(target, combination, ANSWERS | {"python_version": python})
    return combination, target


@pytest.fixture(scope="module", params=EVERY, ids=lambda param: f"{param[0]}-{param[1]}")
def rendered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Combination, Path]:
    """Each combination: for what costs little more than to render it."""
    return rendered_once(request, tmp_path_factory)


@pytest.fixture(scope="module", params=covering(2), ids=lambda param: f"{param[0]}-{param[1]}")
def covered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Combination, Path]:
    """A covering array of the combinations: for what starts programs."""
    return rendered_once(request, tmp_path_factory)


def texts(folder: Path, *endings: str) -> dict[str, str]:
    return {
        path: content.decode()
        for path, content in files_of(folder).items()
        if path.endswith(endings)
    }


def test_the_tree_is_what_the_rules_give(rendered: tuple[Combination, Path]) -> None:
    combination, folder = rendered
    found = set(files_of(folder))
    assert found == RULES.rendered(combination)
    assert combination.example or not any(map(RULES.of_example, found))


def test_no_directory_is_empty(rendered: tuple[Combination, Path]) -> None:
    combination, folder = rendered
    # Folders in which the example alone has files; `make new` removes them, and git has none.
    of_example = {folder / path for path in template_files() if RULES.of_example(path)}
    emptied = {folder for path in of_example for folder in path.parents}
    assert combination.example or set(empty_directories(folder)) <= emptied
    assert not combination.example or empty_directories(folder) == []


def test_no_jinja_is_left_over(rendered: tuple[Combination, Path]) -> None:
    _, folder = rendered
    assert [
        path for path, text in texts(folder, "").items() if JINJA.search(GO.sub("", text))
    ] == []


def test_the_text_is_edited_text(rendered: tuple[Combination, Path]) -> None:
    _, folder = rendered
    for path, text in texts(folder, "").items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not text.startswith("\n"), path
        assert not re.search(r"[ \t]+$", text, flags=re.MULTILINE), path
        if not path.endswith((".py", ".mako")):
            assert "\n\n\n" not in FENCED.sub("```", text), path
        assert not re.search(r"TODO|FIXME|XXX", text), path


def test_every_file_parses_in_its_language(rendered: tuple[Combination, Path]) -> None:
    _, folder = rendered
    for text in texts(folder, ".py").values():
        ast.parse(text)
    for text in texts(folder, ".yml", ".yaml").values():
        yaml.load(text, _Loader)
    for text in texts(folder, ".toml").values():
        tomllib.loads(text)
    for text in texts(folder, ".json").values():
        json.loads(text)
    for path in texts(folder, ".sh"):
        subprocess.run(["sh", "-n", str(folder / path)], check=True)
    subprocess.run(["make", "--dry-run", "help"], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_has_nothing_to_say(covered: tuple[Combination, Path], command: list[str]) -> None:
    _, folder = covered
    ruff = [str(BIN / "ruff"), *command, "--no-cache", "."]
    done = subprocess.run(ruff, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


PACKAGES = sorted(
    path.removesuffix("/pyproject.toml")
    for path in template_files()
    if re.fullmatch(r"(services|shared)/\w+/pyproject.toml", path)
)


MODULES = {
    "uvicorn": "uvicorn",
    "sentry-sdk": "sentry_sdk",
    "pydantic-settings": "pydantic_settings",
    "opentelemetry-api": "opentelemetry",
    "opentelemetry-sdk": "opentelemetry",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
    "opentelemetry-instrumentation": "opentelemetry",
    "opentelemetry-instrumentation-aiohttp-client": "opentelemetry",
    "opentelemetry-instrumentation-asyncpg": "opentelemetry",
    "opentelemetry-instrumentation-redis": "opentelemetry",
    "pillow": "PIL",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_are_declared(
    covered: tuple[Combination, Path], package: str, tmp_path: Path
) -> None:
    _, folder = covered
    if not (folder / package).exists():
        return  # not part of this combination
    own = folder / package / "src"
    report = tmp_path / "deptry.json"
    done = subprocess.run(
        [
            str(BIN / "deptry"),
            str(own),
            "--config",
            str(folder / package / "pyproject.toml"),
            "--json-output",
            str(report),
            # Named by hand: deptry looks at installed packages, and here none of these is.
            "--package-module-name-map",
            ",".join(f"{package}={module}" for package, module in MODULES.items()),
            "--per-rule-ignores",
            # Started by the image, loaded by SQLAlchemy, wanted by FastAPI's TestClient and its
            # forms, and a package of nothing but files.
            "DEP002=uvicorn|watchfiles|alembic|httpx2|python-multipart|fastapi-offline",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, report.read_text() if report.exists() else done.stderr


def test_every_compose_file_set_is_valid(covered: tuple[Combination, Path]) -> None:
    require_docker()
    _, folder = covered
    (folder / ".env").write_text((folder / ".env.example").read_text())
    purposes = [path.name.split(".")[1] for path in folder.glob("docker-compose.*.yml")]
    try:
        for purpose in (None, *sorted(purposes)):
            compose = ["docker", "compose", *compose_files(folder, purpose), "config", "--quiet"]
            done = subprocess.run(
                compose, cwd=folder, capture_output=True, text=True, env=os.environ
            )
            assert done.returncode == 0, done.stderr
            assert done.stderr == ""
    finally:
        (folder / ".env").unlink()


def test_no_container_of_production_bears_a_secret(covered: tuple[Combination, Path]) -> None:
    require_docker()
    combination, folder = covered
    if combination.level < 3:
        return
    example = (folder / ".env.example").read_text()
    production = "".join(
        (folder / path).read_text() for path in compose_files(folder, "prod") if path != "-f"
    )
    generated = re.findall(r"^(\w+)=generate", example, re.MULTILINE)
    files = [name.upper() for name in re.findall(r"file: secrets/(\w+)$", production, re.MULTILINE)]
    # Public is public.
    names = {name for name in (*generated, *files) if not name.endswith("_PUBLIC_KEYS")}
    assert len(names) >= 2
    plain = "".join(
        line for line in example.splitlines(keepends=True) if line.partition("=")[0] not in names
    )
    (folder / ".env").write_text(plain + "".join(f"{name}=bare-{name}\n" for name in names))
    try:
        done = subprocess.run(
            ["docker", "compose", *compose_files(folder, "prod"), "config"],
            check=True, cwd=folder, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        (folder / ".env").unlink()
    assert [line.strip() for line in done.stdout.splitlines() if "bare-" in line] == []


def test_compose_files_have_the_shape_of_their_specification(
    covered: tuple[Combination, Path], tmp_path: Path
) -> None:
    _, folder = covered
    files = []
    for path in folder.rglob("*compose*.yml"):
        # The schema knows nothing of the tags with which a file takes back what another one says.
        plain = re.sub(r"!(reset|override) ?", "", path.read_text())
        files.append(str(tmp_path / path.relative_to(folder).as_posix().replace("/", "-")))
        Path(files[-1]).write_text(plain)
    assert len(files) >= 4
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *files]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_setting_of_compose_is_shown_with_its_default(
    rendered: tuple[Combination, Path],
) -> None:
    _, folder = rendered
    example = (folder / ".env.example").read_text()
    shown = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    files = [path for path in folder.rglob("*compose*.yml") if ".git" not in path.parts]
    named = re.findall(
        r"\$\{([A-Z_]+)(?::-((?:[^{}]|\$\{[^}]*\})*)|:\?[^}]*)?\}",
        "".join(path.read_text() for path in files),
    )
    # One that is made of another is empty in the example, and there has to be that other.
    named = [(name, "" if "${" in default else default) for name, default in named]
    # Compose's own: it sets the one for the files, and reads the other itself.
    ours = {name for name, _ in named} - {"COMPOSE_PROJECT_NAME"}
    assert ours == shown.keys() - {"COMPOSE_PROFILES"}
    assert shown.get("COMPOSE_PROFILES", "") == ""
    assert [
        (name, default)
        for name, default in named
        if name in ours and shown[name] not in (default, "generate", "generate-keys")
    ] == []


def test_dockerfiles_are_clean(covered: tuple[Combination, Path]) -> None:
    _, folder = covered
    files = [str(path) for path in folder.rglob("Dockerfile")]
    assert files
    done = subprocess.run([str(BIN / "hadolint"), *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_link_and_path_in_the_documents_resolves(rendered: tuple[Combination, Path]) -> None:
    _, folder = rendered
    found = [
        f"{path}: {name}"
        for path, text in texts(folder, ".md").items()
        for name in mover.missing(text, path, folder)
    ]
    assert found == []
