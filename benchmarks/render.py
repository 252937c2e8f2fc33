"""What rendering, updating and the static matrix cost."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import jinja2

from benchmarks.measure import Result, cpu_seconds, paired, ratio
from extensions.stages import TEMPLATE, Combination, load
from tests.support.matrix import covering
from tests.support.project import files_of, render, start
from tests.support.template import commit_all, repository

COPIER = str(Path(sys.executable).parent / "copier")
ROUNDS = 3


def copy_command(template: Path, target: Path, combination: Combination | None) -> list[str]:
    """The command that a user runs."""
    data = [
        f"--data={key}={value}"
        for key, value in (combination.answers if combination else {}).items()
    ]
    head = [COPIER, "copy", "--quiet", "--defaults", "--vcs-ref=HEAD", *data]
    return [*head, str(template), str(target)]


def warm(folder: Path, target: Path) -> float:
    """Seconds to render strings with a warm Jinja and write them: what no template can undercut."""
    environment = jinja2.Environment(autoescape=False)
    texts = [path.read_text() for path in TEMPLATE.rglob("*.jinja")]
    # Those without Copier's own filters and includes; the rest is a handful of files.
    sources = [text for text in texts if "{%" not in text and "|" not in text]
    templates = [environment.from_string(source) for source in sources]
    files = files_of(folder)
    begin = time.process_time()
    for template in templates:
        template.render(slug="s", python_version="3", coverage=1)
    for path, content in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)
    return time.process_time() - begin


def used() -> float:
    """CPU seconds of this process and of the git processes that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure() -> Iterator[Result]:
    """Yield what a user waits for, level by level."""
    rules = load()
    with TemporaryDirectory() as name:
        folder = Path(name)
        empty = folder / "empty-template"
        empty.mkdir()
        (empty / "copier.yml").write_text("_subdirectory: template\n")
        (empty / "template").mkdir()
        (empty / "template/README.md").write_text("empty\n")
        commit_all(empty, "An empty template")

        def copy(template: Path, combination: Combination | None) -> float:
            target = folder / "copy"
            shutil.rmtree(target, ignore_errors=True)
            return cpu_seconds(copy_command(template, target, combination), folder)

        for level in rules.levels:
            if level > rules.highest:
                continue
            combination = Combination(level)
            full, base = paired(
                ROUNDS,
                lambda c=combination: copy(repository(), c),  # type: ignore[misc]
                lambda: copy(empty, None),
            )
            rendered = render(folder / f"level{level}", combination)
            count = len(files_of(rendered))
            over = median(a - b for a, b in zip(full, base, strict=True)) / count * 1000
            floor = warm(rendered, folder / f"warm{level}") / count * 1000
            yield Result(
                f"copier copy, level {level}, {count} files",
                "an empty template",
                f"{median(full):.2f} s CPU, {over:.1f} ms a file over it "
                f"(warm Jinja and writes: {floor:.2f} ms)",
                ratio(full, base),
                "at most 11 ms a file",
                over <= 11,
            )

        for level in (2, rules.highest):

            def update(level: int = level) -> float:
                project = start(folder / "update", Combination(level - 1))
                command = [COPIER, "update", "--quiet", "--defaults", "--vcs-ref=:current:"]
                seconds = cpu_seconds([*command, f"--data=maturity_level={level}"], project.path)
                shutil.rmtree(project.path)
                return seconds

            updated, copied = paired(
                ROUNDS,
                update,
                lambda level=level: copy(repository(), Combination(level)),  # type: ignore[misc]
            )
            value = ratio(updated, copied)
            yield Result(
                f"copier update, level {level - 1} to {level}",
                "copier copy of the same project",
                f"{median(updated):.2f} s CPU",
                value,
                "at most 3.5",
                value <= 3.5,
            )

        # A stock render takes seconds, so not every combination is rendered by both.
        pairs = covering(1)

        def matrix(stock: bool) -> float:
            begin = used()
            for number, (combination, python) in enumerate(pairs):
                target = folder / f"matrix-{number}"
                render(target, combination, {"python_version": python}, stock=stock)
                shutil.rmtree(target)
            return used() - begin

        fast, stock = paired(ROUNDS, lambda: matrix(False), lambda: matrix(True))
        value = ratio(fast, stock)
        yield Result(
            f"static matrix, {len(pairs)} renders in one process",
            "as many stock renders",
            f"{median(fast):.2f} s CPU",
            value,
            "at most 0.2",
            value <= 0.2,
        )
