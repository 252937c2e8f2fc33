"""Finds modules by the names of their files."""

from importlib import import_module
from pathlib import Path
from typing import Any


def find_modules(package: str, pattern: str) -> list[Any]:
    """Return the modules whose files match `pattern` in the folder of `package`, by their names."""
    folder = Path(str(import_module(package).__file__)).parent
    names = [path.relative_to(folder).with_suffix("") for path in sorted(folder.glob(pattern))]
    return [import_module(".".join([package, *name.parts])) for name in names]


def find_hooks(package: str, folder: str, hook: str) -> list[Any]:
    """Return what each module of a folder has under the name `hook`, if it has that.

    The modules' `PHASE` decides, from the inside out, and then their names.
    """
    found = find_modules(package, f"{folder}/[a-z]*.py")
    found.sort(key=lambda module: getattr(module, "PHASE", 0))
    return [getattr(module, hook) for module in found if hasattr(module, hook)]
