"""Copier without the three costs that a matrix of renders would pay again and again.

Stock Copier compiles every Jinja string and file for each project, compiles strings that hold no
Jinja, and starts a git process for each file. `test_fast_copier.py` shows that the output is equal.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from unittest.mock import patch

from copier._main import Worker
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from jinja2.sandbox import SandboxedEnvironment


class _Memory(BytecodeCache):
    """Compiled templates of this process; the key holds a checksum of the source."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        code = self._code.get((bucket.key, bucket.checksum))
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_memory = _Memory()
_stock_environment: Any = Worker.__dict__["jinja_env"].func
_stock_render_string: Any = Worker._render_string


def _environment(worker: Worker) -> SandboxedEnvironment:
    environment: SandboxedEnvironment = _stock_environment(worker)
    environment.bytecode_cache = _memory
    return environment


def _render_string(worker: Worker, text: str, *arguments: Any, **keywords: Any) -> str:
    if "{" not in text:
        return text
    rendered: str = _stock_render_string(worker, text, *arguments, **keywords)
    return rendered


@contextmanager
def fast_copier() -> Iterator[None]:
    """Render faster for as long as the context lasts."""
    environment = cached_property(_environment)
    environment.__set_name__(Worker, "jinja_env")
    with (
        patch.object(Worker, "jinja_env", environment),
        patch.object(Worker, "_render_string", _render_string),
        patch.object(Worker, "_sync_git_index_executable_bit", lambda *_: None),
    ):
        yield
