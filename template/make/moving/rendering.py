"""Renders the project in a temporary folder."""

import os
import re
import stat
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

from moving.repository import LINK, MERGING, File, Refused, Tree, settings
from moving.request import ANSWERS, Wanted

# Of the environment that `uv run --script` makes; the project itself does not depend on it.
copier: Any = import_module("copier")

# The template is checked out as it is committed.
RENDERING = MERGING | {
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.excludesFile": os.devnull,
    "core.fileMode": "true",
    "core.symlinks": "true",
}


@contextmanager
def environment(pairs: Mapping[str, str]) -> Iterator[None]:
    """Set variables for this process, and for plumbum, with which Copier runs git."""
    before = {key: os.environ.get(key) for key in pairs}
    plumbum = sys.modules.get("plumbum")
    with plumbum.local.env(**pairs) if plumbum else nullcontext():
        os.environ.update(pairs)
        try:
            yield
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value


def rendered(source: str, version: str | None, answers: Mapping[str, object]) -> Tree:
    """Return the files of a fresh project."""
    with tempfile.TemporaryDirectory(prefix="stagecraft-") as folder:
        target = Path(folder) / "project"
        with environment({**settings(RENDERING), "GIT_TEMPLATE_DIR": ""}):
            copier.run_copy(
                source,
                target,
                data=dict(answers),
                vcs_ref=version,
                defaults=True,
                overwrite=True,
                quiet=True,
            )
        return read_tree(target)


def moved_paths(new: Tree) -> dict[str, str]:
    """Return the paths that this version of the template renders elsewhere, by their old paths."""
    return dict(tomllib.loads(new["make/gates.toml"].content.decode()).get("moved", {}))


def read_tree(folder: Path) -> Tree:
    """Return the files below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = File(LINK, os.readlink(path).encode())
        elif path.is_file():
            executable = path.stat().st_mode & stat.S_IXUSR
            found[name] = File("100755" if executable else "100644", path.read_bytes())
    return found


def source_of(wanted: Wanted, answers: dict[str, Any]) -> str:
    """Return where the template is; raise `Refused` if it is not there."""
    source = str(answers["_src_path"])
    if wanted.source:
        return str(Path(wanted.source).resolve()) if Path(wanted.source).exists() else wanted.source
    if source.startswith(("/", ".", "~")) and not Path(source).expanduser().is_dir():
        raise Refused(
            f"The template was in {source}, which is not there. Say where it is now, as a folder "
            "or a URL: add SOURCE=path-or-URL to the command. That is recorded."
        )
    return source


def as_recorded(wanted: Wanted, answers: dict[str, Any], *, example: bool) -> Tree:
    """Render the project as it was last rendered, with or without the example."""
    recorded = {key: value for key, value in answers.items() if not key.startswith("_")}
    recorded["example"] = example
    source, version = source_of(wanted, answers), str(answers["_commit"])
    try:
        return rendered(source, version, recorded)
    except Exception as error:
        hint = f" {source} has to have the commit {version}." if wanted.source else ""
        raise Refused(f"{the_end(error)}{hint}") from None


def both(wanted: Wanted, answers: dict[str, Any], *, example: bool) -> tuple[Tree, Tree]:
    """Render the project as it was last rendered, and as it is wanted."""
    recorded = {key: value for key, value in answers.items() if not key.startswith("_")}
    recorded["example"] = example
    source, version = source_of(wanted, answers), str(answers["_commit"])
    changes: dict[str, Any] = dict(wanted.answers)
    if wanted.level:
        changes["maturity_level"] = int(wanted.level)
    if wanted.module:
        changes[wanted.module] = not wanted.down
    if wanted.ci_provider:
        changes["ci_provider"] = wanted.ci_provider
    if wanted.without_example:
        changes["example"] = False
    target: str | None = version
    if wanted.template:
        target = None if wanted.template == "latest" else wanted.template
    base = as_recorded(wanted, answers, example=example)
    try:
        new = rendered(source, target, recorded | changes)
    except Exception as error:
        raise Refused(the_end(error)) from None
    if wanted.module and not re.search(
        rb"^%b: " % wanted.module.encode(), new[ANSWERS].content, re.M
    ):
        raise Refused(f'There is no module "{wanted.module}" in that version of the template.')
    record(base, "_src_path", str(answers["_src_path"]))
    record(base, "example", str(answers["example"]).lower() if "example" in answers else None)
    return base, new


def record(base: Tree, key: str, value: str | None) -> None:
    """Let `base` have the answer that the project records, so that another one is a change."""
    line = b"" if value is None else f"{key}: {value}\n".encode()
    text = re.sub(
        rb"^%b: .*\n" % key.encode(), lambda _: line, base[ANSWERS].content, flags=re.MULTILINE
    )
    base[ANSWERS] = File(base[ANSWERS].mode, text)


def the_end(error: Exception) -> str:
    """Return the last line of an error, where the reason is."""
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
