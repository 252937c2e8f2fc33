"""Duplicates after a merge are named, files of the same name are both kept, and errors help."""

from pathlib import Path

import pytest

from extensions.stages import ROOT, Combination
from tests.support.docker import require_docker
from tests.support.matrix import ALL
from tests.support.mover import mover
from tests.support.project import Project, start

BUSINESS = "services/business_api"
DATA = "services/data_postgres_api/src/data_postgres_api"
USERS = '''"""The team's users."""

from sqlalchemy.orm import Mapped, mapped_column

from data_postgres_api.database import Base


class User(Base):
    """Somebody."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
'''


def test_duplicates_after_a_move_are_named(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.append(".env.example", "LOG_LEVEL=DEBUG\n")
    project.append("Makefile", "\n.PHONY: dev\ndev:\n\t@echo ours\n")
    project.append("docker-compose.yml", "services:\n  rabbitmq:\n    image: rabbitmq:4\n")
    project.replace(
        f"{BUSINESS}/compose.yml",
        "    init: true\n",
        "    init: true\n    healthcheck: {disable: true}\n",
    )
    project.write(f"{DATA}/people/__init__.py", '"""People."""\n')
    project.write(f"{DATA}/people/models.py", USERS)
    project.commit("Ours")
    done = project.make("upgrade", "LEVEL=2", "MODULE=rabbitmq", check=False)
    assert done.returncode != 0
    for sentence in (
        ".env.example: LOG_LEVEL occurs 2 times; the last one counts",
        f'{BUSINESS}/compose.yml: the key "healthcheck" occurs 2 times',
        'The service "rabbitmq" is defined in docker-compose.yml and in infrastructure/rabbitmq',
        'this target replaces the project\'s own "make dev"',
        "To take the move back: git restore --source=HEAD --staged --worktree .",
    ):
        assert sentence in done.stderr
    project.git("restore", "--source=HEAD", "--staged", "--worktree", ".")
    assert project.git("status", "--porcelain") == ""
    # The table is nobody else's before level 4.
    assert "users" not in done.stderr
    done = project.make("upgrade", "LEVEL=4", check=False)
    assert f'The table "users" is in {DATA}/identity/models.py and in {DATA}/people' in done.stderr


def test_what_compose_and_the_linter_refuse_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_docker()
    project = start(tmp_path / "project", Combination(4, ALL))
    monkeypatch.chdir(project.path)
    (project.path / ".venv/bin").mkdir(parents=True)
    (project.path / ".venv/bin/ruff").symlink_to(ROOT / ".venv/bin/ruff")
    assert mover.problems_on_disk() == []

    project.append("docker-compose.prod.yml", "  mailer_key:\n    file: [1]\n")
    project.append(f"{BUSINESS}/src/business_api/main.py", "\n\nprint(nothing)\n")
    first, second = mover.problems_on_disk()
    assert first.startswith("Compose refuses the files of prod: ")
    assert "mailer_key" in first
    assert second.endswith("F821 Undefined name `nothing`")


def test_files_of_the_same_name_are_both_kept(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.write("conftest.py", "# Ours.\n")
    project.write("docker-compose.dev.yml", "services: {}\n")
    project.commit("Ours")
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert "you have files of the same name" in done.stderr
    for path, text in (("conftest.py", "# Ours.\n"), ("docker-compose.dev.yml", "services: {}\n")):
        assert project.read(path) == text
        assert f"  {path}\n" in done.stderr
        assert (project.path / f"{path}.stagecraft-new").stat().st_size > len(text)


def test_a_move_follows_files_that_the_team_has_renamed(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.git("mv", "AGENTS.md", "CLAUDE.md")
    (project.path / "AGENTS.md").symlink_to("CLAUDE.md")
    project.git("mv", "docker-compose.yml", "compose.yaml")
    project.git("rm", "--quiet", "docs/architecture.md")
    project.append("compose.yaml", "services:\n  cache:\n    image: redis:8\n")
    project.commit("Other names")
    done = project.make("upgrade", "LEVEL=3")
    assert "docker-compose.yml -> compose.yaml" in done.stderr
    assert "infrastructure/nginx/compose.yml" in project.read("compose.yaml")
    assert project.read("compose.yaml").endswith("  cache:\n    image: redis:8\n")
    assert (project.path / "AGENTS.md").is_symlink()
    assert "make baseline" in project.read("CLAUDE.md")
    assert "which you have deleted. They stay deleted:\n  docs/architecture.md\n" in done.stderr
    assert not (project.path / "docs/architecture.md").exists()


def test_edited_files_are_removed_only_on_request(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(2))
    project.append("conftest.py", "# Ours.\n")
    project.commit("Ours")
    refused = project.make("downgrade", "LEVEL=1", check=False)
    assert refused.returncode != 0
    assert "you have edited them:\n  conftest.py\n" in refused.stderr
    assert "REMOVE=yes" in refused.stderr
    assert project.git("status", "--porcelain") == ""
    project.make("downgrade", "LEVEL=1", "REMOVE=yes")
    assert not (project.path / "conftest.py").exists()


def test_edits_in_other_encodings_are_kept(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    readme, page = project.path / "AGENTS.md", project.path / ".env.example"
    readme.write_bytes(readme.read_bytes() + "Für alle.\n".encode("latin-1"))
    page.write_bytes(page.read_text().encode("utf-16"))
    project.commit("Of an old editor")
    found = project.move(Combination(2))
    assert readme.read_bytes().endswith("Für alle.\n".encode("latin-1"))
    assert page.read_bytes().startswith(b"\xff\xfe")
    assert found.reserved == [".env.example"]
    assert "LOG_LEVEL" in project.read(".env.example.stagecraft-new")


def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the write of a move fail after git has changed the files."""
    real = mover.git

    def full(*arguments: str, **options: object) -> object:
        done = real(*arguments, **options)
        if arguments[:3] == ("read-tree", "-m", "-u"):
            raise OSError("No space left on device")
        return done

    monkeypatch.setattr("moving.writing.git", full)


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = start(tmp_path / "project", Combination(1))
    fill_the_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        project.move(Combination(2))
    assert project.git("status", "--porcelain", "--ignored") == ""
    assert "maturity_level: 1" in project.read(".copier-answers.yml")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (None, ".copier-answers.yml is missing"),
        ("maturity_level: 1\n", 'has no "_src_path"'),
        ("_src_path: /nowhere\n_commit: HEAD\nmaturity_level: '1'\n", 'it is "1"'),
        ("_src_path: /nowhere\n_commit: HEAD\nmaturity_level: 2\n", "the files are of level 1"),
        ("_src_path: /nowhere\n_commit: HEAD\nmaturity_level: 1\n", "add SOURCE=path-or-URL"),
        ("a: 1\na: 2\n", 'the key "a" occurs 2 times'),
    ],
)
def test_unusable_answers_are_explained(tmp_path: Path, answers: str | None, sentence: str) -> None:
    project = start(tmp_path / "project", Combination(1))
    if answers is None:
        project.git("rm", "--quiet", ".copier-answers.yml")
    else:
        project.write(".copier-answers.yml", answers)
    project.commit("Broken")
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert project.git("status", "--porcelain") == ""


def moved_template(project: Project, folder: Path) -> Path:
    """Move the template to another place, as a team does that clones the project elsewhere."""
    answers = project.read(".copier-answers.yml")
    source = answers.split("_src_path: ")[1].splitlines()[0]
    clone = folder / "elsewhere"
    project.git("clone", "--quiet", source, str(clone))
    project.write(".copier-answers.yml", answers.replace(source, str(folder / "gone")))
    project.commit("From a folder of another machine")
    return clone


def test_a_template_that_has_moved_is_named_and_recorded(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    clone = moved_template(project, tmp_path)
    refused = project.make("upgrade", "LEVEL=2", check=False)
    assert f"The template was in {tmp_path}/gone, which is not there." in refused.stderr
    project.make("upgrade", "LEVEL=2", f"SOURCE={clone}")
    assert f"_src_path: {clone}\n" in project.read(".copier-answers.yml")
    project.commit("Level 2")
    project.make("upgrade", "MODULE=rabbitmq")


def test_a_dry_run_shows_everything_and_changes_nothing(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    managed = "shared/chassis/src/chassis/client.py"
    project.replace(managed, "= subject_headers(self._name)", "= dict(subject_headers(self._name))")
    project.commit("An edit where none belongs")
    done = project.make("upgrade", "LEVEL=4", "MODULE=rabbitmq", "DRY_RUN=yes")
    for sentence in (
        "  services/data_postgres_api/src/data_postgres_api/standby.py\n",
        f"Conflicts (1):\n  {managed}\n",
        "Secrets that `make env` makes: ",
        "RABBITMQ_PASSWORD",
        "New services: ",
        "postgres_standby",
        "Ports that are published: ",
        "gateway at 8443 (GATEWAY_HTTPS_PORT)",
        "Nothing was changed",
    ):
        assert sentence in done.stdout
    assert project.git("status", "--porcelain") == ""


def test_other_answers_can_change(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.append("README.md", "\nOurs.\n")
    project.commit("Ours")
    project.make("upgrade", 'NAME=Joe\'s "Tea" & more', environment={"LEVEL": "3", "AUTHOR": "x"})
    assert project.read("README.md").startswith('# Joe\'s "Tea" & more\n')
    assert project.read("README.md").endswith("\nOurs.\n")
    answers = project.read(".copier-answers.yml")
    assert "maturity_level: 1\n" in answers
    assert "author: The team\n" in answers


def test_only_the_folder_of_the_project_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = start(tmp_path / "mono/shop", Combination(1))
    mono = Project(tmp_path / "mono")
    (project.path / ".git").rename(tmp_path / "mono/.git")
    mono.git("add", "--all")
    mono.git("commit", "--quiet", "--message", "A folder of a larger repository")
    mono.write("other/tracked.txt", "Committed.\n")
    mono.git("add", "--all")
    mono.git("commit", "--quiet", "--message", "Another folder")
    mono.write("other/notes.txt", "Not committed.\n")
    mono.write("other/tracked.txt", "Edited.\n")
    mono.write("other/staged.txt", "Staged.\n")
    mono.git("add", "other/staged.txt")
    project.append("AGENTS.md", "Ours.\n")
    mono.git("commit", "--quiet", "--message", "Ours", "shop/AGENTS.md")
    project.make("upgrade", "LEVEL=2")
    assert project.read("AGENTS.md").endswith("Ours.\n")
    assert "A  shop/docker-compose.dev.yml" in mono.git("status", "--porcelain")
    elsewhere = {" M other/tracked.txt", "A  other/staged.txt", "?? other/notes.txt"}

    def status() -> set[str]:
        return {*mono.git("status", "--porcelain").splitlines()}

    assert elsewhere < status()
    # To take the move back, or to fail half-way, costs nothing of the other folders.
    project.git("restore", "--source=HEAD", "--staged", "--worktree", ".")
    assert status() == elsewhere
    fill_the_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        project.move(Combination(2))
    assert status() == elsewhere
