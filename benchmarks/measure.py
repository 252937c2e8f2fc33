"""What all benchmarks share: results with their aims, CPU time, and medians of ratios."""

import resource
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Result:
    """One line of the report; `ratio` is against the baseline, `aim` says what it should be."""

    what: str
    against: str
    value: str
    ratio: float | None
    aim: str
    holds: bool | None

    def row(self) -> str:
        """The result as a row of a table in Markdown."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = {True: "yes", False: "**no**", None: ""}[self.holds]
        return f"| {self.what} | {self.against} | {self.value} | {ratio} | {self.aim} | {verdict} |"


def cpu_seconds(command: Sequence[str], cwd: Path) -> float:
    """Run a command and return the CPU seconds that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def paired(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Run each measure once a round, in turn, so that noise meets all of them alike."""
    values: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for place, measure in zip(values, measures, strict=True):
            place.append(measure())
    return values


def ratio(values: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of the ratios of each round."""
    return median(value / base for value, base in zip(values, baseline, strict=True))
