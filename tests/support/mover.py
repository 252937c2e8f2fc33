"""The code with which projects move, as tests call it in this process."""

import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from extensions.stages import ROOT


def load_mover() -> Any:
    """Return what `template/make/moving` defines, which is the same in every project."""
    folder = str(ROOT / "template/make")
    if folder not in sys.path:
        sys.path.append(folder)
    found = SimpleNamespace()
    names = (
        "repository",
        "request",
        "rendering",
        "merging",
        "writing",
        "collisions",
        "example",
        "pages",
    )
    for name in names:
        module = import_module(f"moving.{name}")
        for key, value in vars(module).items():
            if getattr(value, "__module__", None) == module.__name__ or key.isupper():
                setattr(found, key, value)
    return found


mover = load_mover()
