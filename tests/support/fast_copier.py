"""Copier without the costs that a matrix of renders would pay again and again.

Stock Copier clones the template and parses the rules for each project, compiles every Jinja string
and file anew and strings that hold no Jinja, renders the name of the answers file for each path,
and starts a git process for each file. `test_fast_copier.py` shows that the output is equal.
"""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from types import CodeType
from typing import Any
from unittest.mock import patch

import yaml
from copier._main import Worker
from copier._template import Template
from jinja2 import Environment
from jinja2.sandbox import SandboxedEnvironment

_stock_environment: Any = Worker.__dict__["jinja_env"].func
_stock_render_string: Any = Worker._render_string
_stock_answers_relpath: Any = Worker.__dict__["answers_relpath"].fget
_stock_compile: Any = Environment.compile
compiled: dict[tuple[str, str | None], CodeType] = {}

# Nothing that is rendered changes what it has parsed, so all may share it.
_parse = cache(yaml.safe_load)


class _KeptTemplate(Template):
    """A clone that outlives its project: the repository under test does not change in a run."""

    def _cleanup(self) -> None:
        pass


@cache
def _template(*, url: str, ref: str | None, use_prereleases: bool) -> Template:
    template = _KeptTemplate(url=url, ref=ref, use_prereleases=use_prereleases)
    atexit.register(Template._cleanup, template)
    return template


def _compile(
    environment: Environment, source: str, name: str | None = None, *arguments: Any, **keywords: Any
) -> CodeType:
    key = (source, name)
    if key not in compiled:
        compiled[key] = _stock_compile(environment, source, name, *arguments, **keywords)
    return compiled[key]


def _environment(worker: Worker) -> SandboxedEnvironment:
    environment: SandboxedEnvironment = _stock_environment(worker)
    environment.filters["from_yaml"] = _parse
    return environment


def _render_string(worker: Worker, text: str, *arguments: Any, **keywords: Any) -> str:
    if "{" not in text:
        return text
    rendered: str = _stock_render_string(worker, text, *arguments, **keywords)
    return rendered


def _answers_relpath(worker: Worker) -> Path:
    path = Path(worker.answers_file or worker.template.answers_relpath)
    if "{" not in str(path):
        return path
    rendered: Path = _stock_answers_relpath(worker)
    return rendered


@contextmanager
def fast_copier() -> Iterator[None]:
    """Render faster for as long as the context lasts."""
    environment = cached_property(_environment)
    environment.__set_name__(Worker, "jinja_env")
    with (
        patch.object(Worker, "jinja_env", environment),
        patch.object(Worker, "_render_string", _render_string),
        patch.object(Worker, "answers_relpath", property(_answers_relpath)),
        patch("copier._main.Template", _template),
        patch.object(Worker, "_sync_git_index_executable_bit", lambda *_: None),
        patch.object(Environment, "compile", _compile),
    ):
        yield
