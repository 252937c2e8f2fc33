"""Finds modules by the names of their files."""

from importlib import import_module
from pathlib import Path
from typing import Any


def find_modules(package: str, *patterns: str) -> list[Any]:
    """Return the modules whose files match a pattern in the folder of `package`, by their names."""
    folder = Path(str(import_module(package).__file__)).parent
    files = sorted({file for pattern in patterns for file in folder.glob(pattern)})
    parts = [file.relative_to(folder).with_suffix("").parts for file in files]
    return [import_module(".".join([package, *each]).removesuffix(".__init__")) for each in parts]


def find_hooks(package: str, folder: str, hook: str) -> list[Any]:
    """Return what each module of a folder has under the name `hook`, if it has that.

    Sorted by `PHASE`, which is 0 without one, the innermost first, and then by name.
    """
    found = find_modules(package, f"{folder}/[a-z]*.py")
    found.sort(key=lambda module: getattr(module, "PHASE", 0))
    return [getattr(module, hook) for module in found if hasattr(module, hook)]
