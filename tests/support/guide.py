"""Follows docs/adding-a-resource.md of a project to the letter: its files and commands."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.docker import Stack
from tests.support.project import Project, outer_environment, the_end

PAGE = "docs/adding-a-resource.md"
FILE = re.compile(r"^File `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^    (make .*|curl .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A section of the page."""

    title: str
    files: dict[str, str]
    commands: list[str]


def steps(page: str) -> list[Step]:
    """Read the sections of the page."""
    found = []
    for section in page.split("\n## ")[1:]:
        files = dict(FILE.findall(section))
        rest = FILE.sub("", section)
        commands = COMMAND.findall(FENCE.sub("", rest))
        found.append(Step(section.splitlines()[0], files, commands))
    return found


def write(project: Project, step: Step) -> None:
    """Create the files of a step."""
    for path, text in step.files.items():
        project.write(path, text)


def follow(project: Project, running: Stack, seen: Callable[[str, str], None]) -> None:
    """Do what the page says; `seen` gets each command and what it printed."""
    for step in steps(project.read(PAGE)):
        write(project, step)
        for command in step.commands:
            if "127.0.0.1:8000" in command:
                command = command.replace(
                    "http://127.0.0.1:8000", running.url("business_api", 8000)
                )
            done = subprocess.run(
                command,
                shell=True,
                cwd=project.path,
                env=outer_environment() | running.environment | project.python_here,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise AssertionError(f"{command}:\n{the_end(done)}")
            seen(command, done.stdout)
