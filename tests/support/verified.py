"""What `make verify` has to say, write and leave behind."""

import json
import re
import subprocess
from hashlib import sha256

from extensions.stages import Combination
from tests.support.matrix import ALL, PYTHONS, RULES
from tests.support.project import Project

# Of these, with their Python, "make verify" runs whole in each run: as the printed commands of a
# copy and of the update after it.
PRINTED = [
    (Combination(1), PYTHONS[0]),
    (Combination(RULES.highest, ALL, RULES.providers(RULES.highest)[-1]), PYTHONS[0]),
]
TRANSITIONS = ["4.1 -> 4.2", "4.2 -> 4.3", "4.3 -> 4.4", "4.4 -> 4.5", "4.5 -> 4.6", "4.6 -> 4.7",
               "4.7 -> 4.8", "4.8 -> 5"]  # fmt: skip


def in_order(output: str) -> list[str]:
    """The transitions that `make verify` printed, each once."""
    return list(
        dict.fromkeys(re.findall(r"^\w+ +(4\.\d -> [45](?:\.\d)?)  ", output, re.MULTILINE))
    )


def left_behind(project: Project) -> list[str]:
    """What `make verify` should have removed, or should not have changed."""
    name = f"verify-{sha256(str(project.path).encode()).hexdigest()[:12]}"
    label = f"label=com.docker.compose.project={name}"
    # What the targets before it have made, and what is to be committed.
    made = {"?? uv.lock", "?? tests/load/baseline.json"}
    found = [line for line in project.git("status", "--porcelain").splitlines() if line not in made]
    for kind in ("container", "volume", "network"):
        listed = [
            "docker",
            kind,
            "ls",
            "--quiet",
            "--filter",
            label,
            *(["--all"] * (kind == "container")),
        ]
        done = subprocess.run(listed, check=True, capture_output=True, text=True)
        found += [f"{kind} {item}" for item in done.stdout.split()]
    return found


def check_verified(project: Project, combination: Combination, said: str) -> None:
    """Fail unless `make verify`, which printed `said`, ran every gate and reported on it."""
    assert "FAILED" not in said
    assert in_order(said) == TRANSITIONS
    assert left_behind(project) == []

    level = RULES.levels[combination.level]
    report = project.read("reports/qa-report.md")
    assert f"level {level.number}, {level.name}" in report
    assert f"asks for: {level.coverage} %" in report
    assert re.search(r"- Tests: \d+ run, 0 failed, 0 skipped", report)
    for stage in RULES.stages:
        if stage.module and stage.module not in combination.modules:
            assert f"{stage.id} {stage.title}" in report
    assert "- The way up: make upgrade" in report
    covered = json.loads(project.read("reports/coverage.json"))["totals"]["percent_covered"]
    assert covered >= level.coverage
