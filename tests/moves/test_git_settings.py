"""No setting of git, attribute, ignore rule, hook or state of the index costs an edit."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.matrix import FULL
from tests.support.mover import mover
from tests.support.project import Project, start

IGNORED = ".env*\nAGENTS.md\n*.md\nmake/\n"
HOOK = "#!/bin/sh\nfind . -name '*.md' -exec sh -c 'echo ruined > \"$1\"' _ {} \\;\nexit 1\n"
HOOKS = ("post-checkout", "pre-commit", "post-index-change", "post-merge", "reference-transaction")
GLOBAL = {
    "apply.whitespace": "fix",
    "color.ui": "always",
    "core.attributesFile": "{folder}/attributes",
    "core.autocrlf": "true",
    "core.excludesFile": "{folder}/ignored",
    "core.fileMode": "false",
    "core.hooksPath": "{folder}/template/hooks",
    "core.quotePath": "false",
    "core.safecrlf": "true",
    "diff.external": "false",
    "diff.mnemonicPrefix": "true",
    "diff.noprefix": "true",
    "init.defaultObjectFormat": "sha256",
    "init.templateDir": "{folder}/template",
    "merge.conflictStyle": "diff3",
    "merge.renames": "false",
    "status.showUntrackedFiles": "no",
}
AT_ONCE = {key: value for key, value in GLOBAL.items() if not key.startswith("core.autocrlf")}
EDITED = (".env.example", "AGENTS.md", "docs/architecture.md", "Makefile")


def edit(project: Project) -> None:
    """Append lines that git may be told to strip, to ignore or to hide."""
    for path in EDITED:
        project.append(path, "\n# Ours, with two spaces at the end.  \n")
    project.write("docs/Übersicht.md", "Ours.\n")
    project.git("add", "--force", "--all")
    project.git("commit", "--quiet", "--message", "Ours")


def check(project: Project) -> None:
    for path in EDITED:
        assert project.read(path).count("# Ours, with two spaces at the end.  \n") == 1, path
    assert project.read("docs/Übersicht.md") == "Ours.\n"
    assert "maturity_level: 2" in project.read(".copier-answers.yml")
    assert "docker-compose.test.yml" in project.git("ls-files")


def settings(folder: Path, pairs: dict[str, str]) -> dict[str, str]:
    """Write a global configuration of git and return the environment that names it."""
    (folder / "template/hooks").mkdir(parents=True)
    for hook in HOOKS:
        (folder / "template/hooks" / hook).write_text(HOOK)
        (folder / "template/hooks" / hook).chmod(0o755)
    (folder / "template/info").mkdir()
    (folder / "template/info/exclude").write_text(IGNORED)
    (folder / "ignored").write_text(IGNORED)
    (folder / "attributes").write_text("*.md -diff\n*.yml binary\n.env.example -text\n")
    config = folder / "gitconfig"
    for key, value in {"user.name": "T", "user.email": "t@localhost", **pairs}.items():
        setting = ["git", "config", "--file", str(config), key, value.format(folder=folder)]
        subprocess.run(setting, check=True)
    return {"GIT_CONFIG_GLOBAL": str(config)}


@pytest.mark.parametrize(
    "pairs",
    [AT_ONCE, *({key: value} for key, value in GLOBAL.items())] if FULL else [AT_ONCE],
    ids=lambda pairs: "all" if len(pairs) > 1 else next(iter(pairs)),
)
def test_no_global_setting_costs_an_edit(tmp_path: Path, pairs: dict[str, str]) -> None:
    project = start(tmp_path / "project", Combination(1))
    edit(project)
    done = project.make("upgrade", "LEVEL=2", environment=settings(tmp_path / "git", pairs))
    assert "Moved, without a conflict" in done.stderr
    check(project)


def test_no_rule_of_the_repository_costs_an_edit(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    edit(project)
    (project.path / ".git/info/exclude").write_text(IGNORED)
    (project.path / ".git/info/attributes").write_text("*.md -diff\n*.yml binary\n")
    project.git("config", "status.showUntrackedFiles", "no")
    project.git("config", "apply.whitespace", "error")
    project.make("upgrade", "LEVEL=2")
    check(project)


def hidden_by(flag: str) -> Callable[[Project], None]:
    def hide(project: Project) -> None:
        project.git("update-index", flag, "AGENTS.md")
        project.append("AGENTS.md", "Of this machine only.\n")

    return hide


def sparse(project: Project) -> None:
    project.git("sparse-checkout", "set", "--no-cone", "/*", "!/AGENTS.md")


def in_the_way(project: Project) -> None:
    project.append(".git/info/exclude", "docker-compose.dev.yml\n")
    project.write("docker-compose.dev.yml", "# Private.\n")


def behind_a_link(project: Project) -> None:
    project.git("mv", "docs", "documentation")
    (project.path / "docs").symlink_to("documentation")
    project.commit("Another name")


def dirty(project: Project) -> None:
    project.append("README.md", "Not committed.\n")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (hidden_by("--skip-worktree"), "git does not look at these files"),
        (hidden_by("--assume-unchanged"), "git does not look at these files"),
        (sparse, "git does not look at these files"),
        (in_the_way, "something of yours that is not committed"),
        (behind_a_link, "something of yours that is not committed (or a link)"),
        (dirty, "Commit or stash first"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_state_that_could_cost_an_edit_is_refused(
    tmp_path: Path, state: Callable[[Project], None], sentence: str
) -> None:
    project = start(tmp_path / "project", Combination(1))
    state(project)
    before = files(project)
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert files(project) == before


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a test user: root may write everywhere."""
    project = start(tmp_path / "project", Combination(1))
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "make")
    with pytest.raises(mover.Refused, match="The folder make cannot be written"):
        project.move(Combination(2))
    assert project.git("status", "--porcelain") == ""


def files(project: Project) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in project.path.rglob("*")
        if path.is_file() and ".git" not in path.parts and "__pycache__" not in path.parts
    }
