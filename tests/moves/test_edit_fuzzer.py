"""Random edits and random moves: no edit is lost or misplaced, and every conflict is a true one."""

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from extensions.stages import Combination
from tests.support.edits import Files, faults, random_edits
from tests.support.matrix import FULL, RULES
from tests.support.mover import mover
from tests.support.project import render

# With the full matrix 10,000.
SEEDS = range(20)
CASES = 500 if FULL else 20


@cache
def rendered(combination: Combination, folder: Path) -> Any:
    """A project's files, rendered once."""
    return mover.read_tree(render(folder / str(combination), combination))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_edits_survive_a_random_move(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzer"
    combinations = RULES.combinations()
    chance = random.Random(seed)
    pairs = [chance.sample(combinations, 2) for _ in range(CASES if FULL else 3)]
    wrong, conflicts = [], 0
    for case in range(CASES):
        low, high = pairs[case % len(pairs)]
        base, new = rendered(low, folder), rendered(high, folder)
        edits = random_edits(base, random.Random(f"{seed} {case}"))
        found = mover.merge(base, new, Files(edits.team))
        conflicts += len(found.conflicts)
        if said := faults(edits, new, found):
            wrong.append(
                "\n".join([f"seed {seed}, case {case}: {low} to {high}", *edits.done, *said])
            )
    print(f"{CASES} cases, {conflicts} conflicts")
    assert not wrong, "\n\n".join(wrong[:8])
