"""The commands that the template prints are run as they are printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.stages import ROOT, Combination
from tests.support.docker import require_docker, stack
from tests.support.matrix import ALL, RULES
from tests.support.project import Project, outer_environment, start, the_end
from tests.support.template import commit_all, copy_checkout, git, repository
from tests.support.verified import check_verified

COPIER = str(Path(sys.executable).parent / "copier")
IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Test"), ("EMAIL", "test@localhost"))
}
COMMANDS = re.compile(r"^  (\S.*)$", re.MULTILINE)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of the template, as a user has it, with the tools of this run."""
    folder = copy_checkout(tmp_path / "stagecraft")
    commit_all(folder, "The checkout under test")
    return folder


def copier(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COPIER, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return Project(checkout).make(*arguments, check=False)


def run_printed(text: str, folder: Path, stack_environment: dict[str, str]) -> str:
    """Run the printed commands in one shell, of which one verifies; return what they said."""
    commands = COMMANDS.findall(text)
    assert 1 <= len(commands) <= 5, text
    assert "make verify" in commands
    done = subprocess.run(
        ["sh", "-c", "\n".join(["set -e", *commands])],
        cwd=folder,
        env=outer_environment() | IDENTITY | stack_environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, the_end(done)
    return done.stdout


# The highest first: while its load is measured, the other worker is at what takes one core (law 4).
# Level 2 is reached by the update from level 1; all but that one have all modules. Level 3 has no
# gate that level 4 has not.
@pytest.mark.parametrize("level", [RULES.highest, pytest.param(3, marks=pytest.mark.full), 1])
def test_the_commands_after_a_copy_and_after_an_update(tmp_path: Path, level: int) -> None:
    require_docker()
    target = tmp_path / "printed here"
    asked = [option for module in sorted(ALL) for option in ("--data", f"{module}=true")]
    chosen = Combination(level, ALL if level > 1 else frozenset())
    done = copier(
        *("copy", "--defaults", "--vcs-ref=HEAD", "--data", f"maturity_level={level}"),
        *(asked if chosen.modules else []),
        str(repository()),
        str(target),
        folder=tmp_path,
    )
    assert "Every answer can be changed later" in done.stderr
    project = Project(target)
    if level >= 3:
        project.write(".env", "GATEWAY_HOSTS=shop.example\n")  # not the host that the files assume
    with stack(project) as running:
        said = run_printed(done.stderr.split("Next:")[1], tmp_path, running.environment)
        check_verified(project, chosen, said)
        project.commit("The lock")
        if level > 1:
            return
        updated = copier(
            *("update", "--defaults", "--vcs-ref=:current:", "--data", "maturity_level=2", *asked),
            folder=target,
        )
        said = run_printed(updated.stderr.split("Next:")[1], target, running.environment)
        check_verified(project, Combination(2, ALL), said)
        assert project.git("status", "--porcelain") == ""
        assert "maturity_level: 2" in project.read(".copier-answers.yml")


PYENV = """#!/bin/sh
echo 3.8.18
echo 3.13.0
"""
SHIM = f"""#!/bin/sh
# As pyenv does it: a version that is not asked for is not there.
case :$PYENV_VERSION: in *:3.13.0:*) exec {Path(sys.executable).resolve()} "$@" ;; esac
echo "pyenv: $(basename "$0"): command not found" >&2
exit 127
"""


@pytest.mark.parametrize("kind", ["checkout", "project"])
def test_shims_of_pyenv_do_not_hide_python(tmp_path: Path, checkout: Path, kind: str) -> None:
    folder = checkout if kind == "checkout" else start(tmp_path / "shop", Combination(1)).path
    shims = tmp_path / "shims"
    shims.mkdir()
    for name in ("pyenv", "python", "python3", "python3.12", "python3.13"):
        (shims / name).write_text(PYENV if name == "pyenv" else SHIM)
        (shims / name).chmod(0o755)
    (shims / "uv").write_text("#!/bin/sh\nexit 127\n")  # nor is there a uv
    (shims / "uv").chmod(0o755)
    hard = outer_environment() | {
        "PATH": f"{shims}:/usr/bin:/bin",
        "PYENV_VERSION": "3.8.18",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    asked = subprocess.run(["python3", "--version"], env=hard, capture_output=True)
    assert asked.returncode == 127
    done = subprocess.run(
        ["make", "setup"], cwd=folder, env=hard, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, the_end(done)
    assert (folder / ".uv/bin/uv").exists()
    made = (folder / ".venv/pyvenv.cfg").read_text()
    assert f"version_info = {sys.version_info.major}.{sys.version_info.minor}" in made


def test_make_new_makes_a_project_that_can_be_moved(checkout: Path, tmp_path: Path) -> None:
    done = make(checkout, "new", "DEST=../shop", "LEVEL=1", "NAME=Corner Shop")
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "shop")
    assert project.git("status", "--porcelain") == ""
    assert project.git("log", "--format=%s").strip() == "Start from Stagecraft, at level 1"
    assert project.read("README.md").startswith("# Corner Shop\n")
    answers = project.read(".copier-answers.yml")
    assert f"_src_path: {checkout}" in answers, "an absolute path: the project may be moved"
    assert COMMANDS.findall(done.stderr) == ['cd "../shop"', "make up", "make verify"]

    moved = project.make("upgrade", "LEVEL=3")
    said = COMMANDS.findall(moved.stderr.split("Moved, without a conflict. Next:")[1])
    assert said[:-1] == ["git diff", "make up", "make baseline", "make verify"]
    assert "maturity_level: 3" in project.read(".copier-answers.yml")
    project.commit("Level 3")
    project.write("tests/load/baseline.json", "{}")
    project.commit("A baseline")
    moved = project.make("upgrade", "MODULE=rabbitmq")
    said = COMMANDS.findall(moved.stderr.split("Moved, without a conflict. Next:")[1])
    assert said[:-1] == ["git diff", "make verify"]


def test_make_new_says_what_a_level_with_a_load_needs(checkout: Path, tmp_path: Path) -> None:
    done = make(checkout, "new", "DEST=../shop", "LEVEL=3", "MODULES=workers,telegram_bot")
    with_load = ['cd "../shop"', "make up", "make baseline", "make verify"]
    assert COMMANDS.findall(done.stderr) == with_load
    copied = copier(
        *("copy", "--defaults", "--vcs-ref=HEAD", "--data", "maturity_level=3"),
        *(str(repository()), str(tmp_path / "copied")),
        folder=tmp_path,
    )
    said = COMMANDS.findall(copied.stderr.split("Next:")[1])
    assert [command for command in said if command.startswith("make")] == with_load[1:]


def test_a_move_keeps_the_version_of_the_template_and_latest_takes_a_newer_one(
    checkout: Path, tmp_path: Path
) -> None:
    git(checkout, "tag", "v0.1.0")
    make(checkout, "new", "DEST=../shop")
    project = Project(tmp_path / "shop")
    page = "docs/atomic/services/fastapi/routing-patterns.md"
    source = checkout / "template" / page
    source.write_text(source.read_text() + "\nOf a newer version.\n")
    commit_all(checkout, "A newer version")
    git(checkout, "tag", "v0.2.0")

    project.make("upgrade", "LEVEL=2")
    project.commit("Level 2")
    assert "_commit: v0.1.0" in project.read(".copier-answers.yml")
    assert "Of a newer version." not in project.read(page)
    project.make("upgrade", "TEMPLATE=latest")
    assert "_commit: v0.2.0" in project.read(".copier-answers.yml")
    assert "maturity_level: 2" in project.read(".copier-answers.yml")
    assert "Of a newer version." in project.read(page)


BAD = [
    ([], "Say where the project goes"),
    (["DEST=../shop", "LEVEL=9"], "There is no level 9; this version offers 1 to"),
    (["DEST=../shop", "LEVEL=two"], "LEVEL is a number"),
    (["DEST=../shop", "LEVEL=2", "CI_PROVIDER=gitlab"], "Pipelines come with level 4"),
    (["DEST=../shop", "LEVEL=4", "CI_PROVIDER=jenkins"], "'jenkins' is not in"),
    (["DEST=shop"], "inside this checkout"),
    (["DEST=../nowhere/shop"], "There is no folder"),
    (["DEST=../shop", "NAME=3 Bears"], "starts with a digit"),
    (["DEST=tests"], "tests exists and is not empty"),
    (["DEST=../shop", "MODULES=rabbitmq,rabit"], 'There is no module "rabit"'),
    (["DEST=../shop", "MODULES=level"], 'There is no module "level"'),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_make_new_refuses(
    checkout: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = make(checkout, "new", *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "shop").exists()


def test_make_new_refuses_a_dirty_checkout(checkout: Path, tmp_path: Path) -> None:
    (checkout / "README.md").write_text("changed")
    done = make(checkout, "new", "DEST=../shop")
    assert done.returncode != 0
    assert "uncommitted changes" in done.stderr
    assert "README.md" in done.stderr
    assert not (tmp_path / "shop").exists()


MOVES = [
    (["upgrade"], "Say where to"),
    (["upgrade", "CI_PROVIDER=gitlab"], "Pipelines come with level 4"),
    (["upgrade", "LEVEL=4", "CI_PROVIDER=jenkins"], "'jenkins' is not in"),
    (["upgrade", "LEVEL=7"], "There is no level 7; this version offers 1 to"),
    (["upgrade", "LEVEL=x"], "LEVEL is a number"),
    (["upgrade", "MODULE=.*"], "MODULE is a name"),
    (["downgrade", "LEVEL=2"], "goes to a lower one"),
    (["upgrade", "MODULE=paymnets"], 'There is no module "paymnets"'),
    (["upgrade", "LEVEL=1", "TEMPLATE=v99"], "Unknown revision: 'v99'"),
    (["downgrade"], "Say where to"),
    (["downgrade", "LEVEL=0"], "goes to a lower one, from 1 on"),
    (["downgrade", "MODULE=payments"], 'There is no module "payments"'),
    (["downgrade", "MODULE=rabbitmq"], 'does not have the module "rabbitmq"'),
    (["downgrade", "MODULE=workers", "LEVEL=1"], "One after the other"),
]


@pytest.mark.parametrize(("arguments", "sentence"), MOVES)
def test_a_move_that_cannot_be_made_is_refused(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    require_docker()
    project = start(tmp_path / "project", Combination(2))
    done = project.make(*arguments, check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert project.git("status", "--porcelain") == ""


def test_a_module_that_another_one_needs_stays(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "project", Combination(1, ALL))
    done = project.make("downgrade", "MODULE=rabbitmq", check=False)
    assert done.returncode != 0
    assert 'Other modules need "rabbitmq"' in done.stderr
    assert project.git("status", "--porcelain") == ""


def test_upgrade_refuses_to_move_down_by_itself(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(2))
    done = project.make("upgrade", "LEVEL=1", check=False)
    assert done.returncode != 0
    assert "would delete, with your edits" in done.stderr
    assert project.git("status", "--porcelain") == ""


def test_a_move_refuses_uncommitted_work_and_a_folder_without_git(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.append("README.md", "More.\n")
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert "Commit or stash first" in done.stderr
    assert "README.md" in done.stderr
    subprocess.run(["rm", "-rf", str(project.path / ".git")], check=True)
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert "git init" in done.stderr


def test_env_is_completed_and_never_changed(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.write(".env", "# mine\nBUSINESS_API_PORT=9000\nexport DATA_API_PORT=9001\nOWN=a=b")
    project.make("env")
    lines = project.read(".env").splitlines()
    assert lines[:4] == ["# mine", "BUSINESS_API_PORT=9000", "export DATA_API_PORT=9001", "OWN=a=b"]
    (secret,) = lines[4:]
    assert re.fullmatch(r"POSTGRES_PASSWORD=[0-9a-f]{48}", secret)
    project.make("env")
    assert project.read(".env").splitlines() == lines
    project.commit("env is ignored")
    project.move(Combination(2))
    project.make("env")
    assert project.read(".env").splitlines()[:5] == lines
    assert "SENTRY_DSN=" in project.read(".env")


def test_the_hooks_pass_on_a_fresh_project_and_refuse_conflict_markers(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(2))
    project.make("hooks")
    project.append("README.md", "One line more.\n")
    project.git("add", "README.md")
    commit = ["git", "commit", "--quiet", "--message", "An edit"]
    environment = outer_environment() | IDENTITY

    def committed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            commit, cwd=project.path, env=environment, capture_output=True, text=True
        )

    done = committed()
    assert done.returncode == 0, done.stdout + done.stderr
    project.append("README.md", "<<<<<<< before updating\nours\n")
    project.git("add", "README.md")
    done = committed()
    assert done.returncode != 0
    assert "no conflict markers" in done.stdout + done.stderr


def test_two_projects_have_different_secrets(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        project = start(tmp_path / name, Combination(1))
        project.make("env")
        secrets.add(project.read(".env"))
    assert len(secrets) == 2


def test_the_readme_names_the_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    inside = (ROOT / "template/Makefile").read_text() + "".join(
        path.read_text() for path in (ROOT / "template/make").glob("*.mk*")
    )
    targets |= set(re.findall(r"^([a-z-]+):", inside, re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE))
    assert named
    assert named <= targets


def test_git_sees_no_hidden_state(checkout: Path) -> None:
    """Everything that the checkout makes for itself is ignored, so it never makes itself dirty."""
    make(checkout, "setup")
    assert git(checkout, "status", "--porcelain") == ""
