"""The commands in a project's documents are there: who is woken types what a runbook says."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import yaml

from extensions.stages import Combination
from tests.support.matrix import ALL, RULES
from tests.support.project import outer_environment, render

LEVEL = Combination(RULES.highest, ALL)
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^|(?<=\n\n))(?: {4,}\S.*\n)+")
INLINE = re.compile(r"`([^`]+)`")
FUNCTION = re.compile(r"^(\w+)\(\) \{ (.*); \}$")
# A setting of one command, which another one prints.
PRINTED = re.compile(r"\b[A-Z_]+=\$\(([^()]*)\) ")
COMPOSE = ["docker", "compose"]
# Beside the runbooks, what is typed in production.
OPERATIONS = (
    "docs/alerts.md",
    "docs/atomic/infrastructure/deployment/production-deployment.md",
    "docs/deployment.md",
    "docs/disaster-recovery.md",
    "docs/monitoring.md",
    "docs/rollback.md",
)
# What every machine has that runs the project.
PROGRAMS = {"cat", "curl", "git", "openssl", "rm", "ssh"}
DOCKER = {
    "image prune",
    "info",
    "inspect",
    "login",
    "restart",
    "stack rm",
    "stats",
    "swarm",
    "system df",
}
# Those whose words are all services, those of which the first is one, and those without any.
OF_SERVICES = {"build", "kill", "logs", "ps", "restart", "rm", "start", "stop", "up"}
IN_A_SERVICE = {"exec", "port", "run"}
OF_THE_PROJECT = {"config", "down"}
# Options of Compose that are followed by a value.
VALUED = {
    "--entrypoint",
    "--env",
    "--project-name",
    "--scale",
    "--since",
    "--tail",
    "--user",
    "-e",
    "-u",
}


def code_of(text: str) -> list[str]:
    """Return the lines of a document's code blocks that are for a shell, continued ones as one."""
    blocks = [body for language, body in FENCED.findall(text) if language in ("", "bash", "sh")]
    blocks += INDENTED.findall(FENCED.sub("", text))
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip()]


def inline_of(text: str) -> list[str]:
    """Return what is between backticks within a document's sentences."""
    prose = INDENTED.sub("", FENCED.sub("", text))
    return [" ".join(code.split()) for code in INLINE.findall(prose)]


def apart(lines: list[str]) -> list[str]:
    """Return the lines, and what prints a setting of theirs as a line of its own."""
    return [part for line in lines for part in (*PRINTED.findall(line), PRINTED.sub("", line))]


def simple_commands(line: str) -> list[list[str]]:
    """Return the words of each command of a line, without what is redirected to where."""
    found: list[list[str]] = [[]]
    lexer = shlex.shlex(re.sub(r"\d>&\d", "", line), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = iter(lexer)
    for word in words:
        if word.startswith("#"):
            break
        if word in ("<", ">", ">>"):
            next(words)
        elif set(word) <= set("|&;"):
            found.append([])
        else:
            found[-1].append(word)
    return [command for command in found if command]


def commands(text: str) -> list[list[str]]:
    """Return the words of every command that a document gives, its own functions filled in."""
    code = apart(code_of(text))
    functions = {name: body for line in code for name, body in FUNCTION.findall(line)}
    known = ("make", "docker", *functions)
    lines = [line for line in code if not FUNCTION.match(line)]
    lines += [line for line in apart(inline_of(text)) if " " in line and line.split()[0] in known]
    lines = [line for line in lines if line != "docker compose"]
    found = [command for line in lines for command in simple_commands(line)]

    def filled(command: list[str]) -> list[str]:
        if command[0] not in functions:
            return command
        body = shlex.split(functions[command[0]])
        arguments = command[1:]
        return filled([part for word in body for part in (arguments if word == "$@" else [word])])

    return [filled(command) for command in found]


@dataclass(frozen=True)
class Checker:
    """Says what is wrong with a command, in a rendered project."""

    folder: Path

    @cached_property
    def targets(self) -> set[str]:
        files = [self.folder / "Makefile", *(self.folder / "make").glob("*.mk")]
        declared = re.findall(
            r"^\.PHONY: (.*)$", "\n".join(map(Path.read_text, files)), re.MULTILINE
        )
        return {target for line in declared for target in line.split()}

    @cached_property
    def services(self) -> set[str]:
        files = [
            *self.folder.glob("infrastructure/*/compose.yml"),
            *self.folder.glob("services/*/compose.yml"),
        ]
        return {name for file in files for name in yaml.safe_load(file.read_text())["services"]}

    def reads(self, target: str, setting: str) -> bool:
        """Whether a target does something else when a variable has a value, or this value."""

        def would(*settings: str) -> str:
            done = subprocess.run(
                ["make", "--dry-run", target, *settings],
                cwd=self.folder,
                env=outer_environment(),
                capture_output=True,
                text=True,
            )
            return done.stdout

        name, value = setting.split("=")[0], "a-value-to-find"
        return value in would(f"{name}={value}") or would() != would(setting)

    def wrong(self, command: list[str]) -> list[str]:
        """Return what is wrong with a command."""
        program, *words = command
        if program == "make":
            return self.wrong_make(words)
        if program == "docker":
            if command[:2] == COMPOSE:
                return self.wrong_compose(words[1:])
            return [] if {words[0], " ".join(words[:2])} & DOCKER else [f"docker {words[0]}"]
        if program in ("sh", "python"):
            return [] if (self.folder / words[0]).is_file() else [f"no script {words[0]}"]
        known = program in PROGRAMS or ("/" in program and (self.folder / program).is_file())
        return [] if known else [f"no program {program}"]

    def wrong_make(self, words: list[str]) -> list[str]:
        targets = [word for word in words if "=" not in word and not word.startswith("-")]
        settings = [word for word in words if "=" in word and word[0] != "-"]
        unknown = [f"no target {target}" for target in targets if target not in self.targets]
        return unknown or [
            f"{' '.join(targets)} does not read {setting}"
            for setting in settings
            if not any(self.reads(target, setting) for target in targets)
        ]

    def wrong_compose(self, words: list[str]) -> list[str]:
        rest, found = list(words), []
        while rest and rest[0].startswith("-"):
            option, value = rest.pop(0), rest.pop(0)
            if option != "-f":
                found.append(f"option {option} of docker compose")
            elif not (self.folder / value).is_file():
                found.append(f"no file {value}")
        verb = rest.pop(0) if rest else ""
        if verb not in OF_SERVICES | IN_A_SERVICE | OF_THE_PROJECT:
            return [*found, f"docker compose {verb}"]
        named = []
        while rest:
            word = rest.pop(0)
            if word in VALUED:
                rest[:1] = []
            elif not word.startswith("-"):
                named.append(word)
                if verb in IN_A_SERVICE:
                    break
        if verb in IN_A_SERVICE and not named:
            found.append(f"docker compose {verb} without a service")
        return found + [f"no service {name}" for name in named if name not in self.services]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Checker:
    return Checker(render(tmp_path_factory.mktemp("runbooks") / "shop", LEVEL))


def documents(checker: Checker) -> dict[str, list[list[str]]]:
    """The commands of each document of the project."""
    return {
        path.relative_to(checker.folder).as_posix(): commands(path.read_text())
        for path in sorted(checker.folder.rglob("*.md"))
    }


def wrong(checker: Checker, path: str, listed: list[list[str]]) -> list[str]:
    return [
        f"{path}: {' '.join(command)}: {reason}"
        for command in listed
        for reason in checker.wrong(command)
    ]


def test_every_command_of_a_runbook_is_there(checker: Checker) -> None:
    found = documents(checker)
    pages = [path for path in found if path.startswith("docs/runbooks/")]
    assert len(pages) >= 10
    for path in (*pages, *OPERATIONS):
        assert len(found[path]) >= 3, path
        assert wrong(checker, path, found[path]) == []


def test_every_target_and_service_of_the_other_documents_is_there(checker: Checker) -> None:
    """Their blocks hold more than commands, and commands of other programs."""
    ours = {
        path: [words for words in listed if words[0] == "make" or words[:2] == COMPOSE]
        for path, listed in documents(checker).items()
    }
    assert sum(map(len, ours.values())) > 100
    assert [each for path, listed in ours.items() for each in wrong(checker, path, listed)] == []


def test_every_runbook_is_found(checker: Checker) -> None:
    """By whoever reads AGENTS.md; what an alert names is looked for in test_alert_files.py."""
    named = (checker.folder / "AGENTS.md").read_text()
    for path in (checker.folder / "docs/runbooks").glob("*.md"):
        assert f"(docs/runbooks/{path.name})" in named


PAGE = """\
# A page

Say `make nodes`, `make restore TO="a day"` or `docker compose
restart gateway`; `TO=latest` and `make` are no commands.

    make backups | cat > reports/list  # keeps it
    docker compose exec backup \\
      ls -l

- An item:

      sh make/certs.sh && make prod

```bash
ask() { COMPOSE_FILE=$(make files FOR=prod) docker compose exec -T elk sh -c 'curl "$@"' sh "$@"; }
ask 'localhost:9200/_cat/indices?v'
```

```yaml
make: nothing
```
"""


def test_commands_are_found_wherever_they_stand() -> None:
    assert commands(PAGE) == [
        ["make", "files", "FOR=prod"],
        [*COMPOSE, "exec", "-T", "elk",
         "sh", "-c", 'curl "$@"', "sh", "localhost:9200/_cat/indices?v"],
        ["make", "backups"],
        ["cat"],
        [*COMPOSE, "exec", "backup", "ls", "-l"],
        ["sh", "make/certs.sh"],
        ["make", "prod"],
        ["make", "nodes"],
        ["make", "restore", "TO=a day"],
        [*COMPOSE, "restart", "gateway"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("make promot", "no target promot"),
        ("make docs", "no target docs"),
        ("make restore FROM=now", "restore does not read FROM=now"),
        ("make rejoin COPY=yes FORCE=yes", "rejoin does not read FORCE=yes"),
        ("docker compose restart postgress", "no service postgress"),
        ("docker compose logs --tail 20 backup backups", "no service backups"),
        ("docker compose exec -T shell psql", "no service shell"),
        ("docker compose exec -T", "docker compose exec without a service"),
        (
            "docker compose -f docker-compose.production.yml ps",
            "no file docker-compose.production.yml",
        ),
        ("docker compose promote postgres", "docker compose promote"),
        ("COMPOSE_FILE=$(make file FOR=prod) docker compose ps", "no target file"),
        ("docker container prune", "docker container"),
        ("sh make/failover.sh", "no script make/failover.sh"),
        ("make nodes && pg_ctl promote", "no program pg_ctl"),
    ],
)
def test_a_command_that_is_not_there_is_noticed(
    checker: Checker, command: str, reason: str
) -> None:
    found = [
        each for words in commands(f"A page.\n\n    {command}\n") for each in checker.wrong(words)
    ]
    assert found == [reason]
