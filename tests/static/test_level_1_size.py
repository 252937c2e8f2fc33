"""Level 1 can be read in half an hour: no over-engineering is the purpose of the specification."""

from pathlib import Path

from extensions.stages import Combination
from tests.support.project import files_of, render


def test_level_1_is_small(tmp_path: Path) -> None:
    files = {
        path: content
        for path, content in files_of(render(tmp_path / "project", Combination(1))).items()
        # The code that moves a project, which nobody has to read (ADR 31).
        if not path.startswith(("make/move.py", "make/moving/"))
    }
    assert len(files) <= 90
    lines = [
        line
        for path, content in files.items()
        if path.endswith(".py")
        for line in content.decode().splitlines()
        if line.strip()
    ]
    assert len(lines) <= 1700
    seams = [
        path
        for path, content in files.items()
        if b"# stagecraft: " in content and not path.endswith(".md")
    ]
    assert len(seams) <= 6
