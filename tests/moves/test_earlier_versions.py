"""Projects of earlier versions of the template move to this one, with the edits of their teams.

`tests/earlier` has what a version rendered from, and the paths that it rendered.
"""

import shutil
import tarfile
from pathlib import Path

import copier
import pytest

from extensions.stages import ROOT, Combination, template_files
from tests.support.edits import Files
from tests.support.matrix import RULES
from tests.support.mover import mover
from tests.support.project import Project
from tests.support.template import commit_all, copy_checkout

EARLIER = sorted((ROOT / "tests/earlier").glob("*.tar.xz"))


@pytest.mark.parametrize("archive", EARLIER, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_a_project_of_an_earlier_version_moves_to_this_one(tmp_path: Path, archive: Path) -> None:
    template = tmp_path / "stagecraft"
    with tarfile.open(archive) as files:
        files.extractall(template, filter="data")
    commit_all(template, "An earlier version")
    project = Project(tmp_path / "project")
    data = Combination(1).answers
    copier.run_copy(str(template), project.path, data=data, defaults=True, quiet=True)
    project.commit("Start")
    project.append("AGENTS.md", "Ours.\n")
    project.append(".env.example", "OURS=1\n")
    project.commit("Ours")

    for path in template.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    commit_all(copy_checkout(template), "This version")
    moved = project.make("upgrade", "TEMPLATE=latest")
    assert "Moved, without a conflict" in moved.stderr
    project.commit("This version")
    project.make("upgrade", "LEVEL=2")
    assert project.read("AGENTS.md").endswith("Ours.\n")
    assert project.read(".env.example").endswith("OURS=1\n")
    assert not (project.path / "make/move.sh").exists()


@pytest.mark.parametrize("archive", EARLIER, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_removed_paths_are_declared(archive: Path) -> None:
    before = set((archive.with_name(archive.name.replace(".tar.xz", ".txt"))).read_text().split())
    gone = before - template_files().keys()
    assert gone <= RULES.moved.keys(), 'name it under "moved" in stages.yml, with its new path'
    assert {path for path in RULES.moved.values() if path} <= template_files().keys()


def test_an_edit_goes_with_a_file_that_the_template_has_moved() -> None:
    text = b"".join(b"line %d\n" % number for number in range(20))

    def file(content: bytes) -> object:
        return mover.File("100644", content)

    base = {"old.txt": file(text), "same.txt": file(b"same\n")}
    new = {"new.txt": file(text + b"more\n"), "other.txt": file(b"same\n")}
    team = Files({"old.txt": file(b"ours\n" + text), "same.txt": file(b"same\n")})
    moved = {"old.txt": "new.txt", "same.txt": "other.txt"}
    found = mover.merge(base, new, team, moved)
    assert found.removed == ["old.txt", "same.txt"]
    assert found.edited == []
    assert found.changed == {
        "new.txt": file(b"ours\n" + text + b"more\n"),
        "other.txt": file(b"same\n"),
    }
