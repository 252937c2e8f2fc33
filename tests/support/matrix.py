"""Which combinations a run covers: a covering array, or all with STAGECRAFT_MATRIX=full."""

import os
from typing import Any

import covertable

from extensions.stages import PIPELINES_SINCE, Combination, load

FULL = os.environ.get("STAGECRAFT_MATRIX") == "full"
# Those that are on every machine of this run; a stack of tests/stacks/level_4 runs on the newest.
PYTHONS = ("3.12", "3.13")
RULES = load()
# What runs long runs with these: whatever is there without them is there with them too.
ALL = frozenset(RULES.modules)
# Projects whose example was replaced.
BARE = [
    Combination(level, modules, example=False)
    for level in range(1, RULES.highest + 1)
    for modules in (frozenset[str](), frozenset({"rabbitmq"}), ALL)
]


def covering(strength: int) -> list[tuple[Combination, str]]:
    """Combinations with a Python version, in which every `strength` values meet at least once."""
    factors: dict[str, list[Any]] = {
        "level": list(range(1, RULES.highest + 1)),
        "python": list(PYTHONS),
        **{module: [False, True] for module in RULES.modules},
    }
    rows: list[dict[str, Any]]
    if FULL:
        rows = [
            {"level": combination.level, "python": python}
            | {module: module in combination.modules for module in RULES.modules}
            for combination in dict.fromkeys(
                Combination(each.level, each.modules) for each in RULES.combinations()
            )
            for python in PYTHONS
        ]
    else:
        # A module that is left out is in no row with one that brings it.
        brought = [
            {
                "operator": "or",
                "conditions": [
                    {"operator": "eq", "left": stage.module, "value": False},
                    {"operator": "eq", "left": other, "value": True},
                ],
            }
            for stage in RULES.stages
            for other in stage.requires
            if stage.module in RULES.modules
        ]
        rows = covertable.make(factors, strength=min(strength, len(factors)), constraints=brought)
    return [
        (
            Combination(row["level"], frozenset(m for m in RULES.modules if row[m]), provider),
            row["python"],
        )
        for row in rows
        for provider in _providers(row["level"], row["python"])
    ]


def _providers(level: int, python: str) -> tuple[str, ...]:
    """The services whose pipelines are covered with a Python: all of them, or each with another."""
    offered = RULES.providers(level)
    if FULL:
        return offered
    return (offered[(len(PYTHONS) - 1 - PYTHONS.index(python)) % len(offered)],)


def moves() -> list[tuple[Combination, Combination]]:
    """Pairs of which the first can become the second; with FULL, every one."""
    combinations = RULES.combinations()
    return [
        (low, high)
        for low in combinations
        for high in combinations
        if low != high
        and low.level <= high.level
        and low.modules <= high.modules
        and (low.ci_provider == high.ci_provider or low.level < PIPELINES_SINCE)
        and (FULL or is_covered(low, high))
    ]


def is_covered(low: Combination, high: Combination) -> bool:
    """Whether a move is of those that every run looks at.

    Without modules and with all of them one level up, or all the way; to other pipelines from the
    level below theirs; and at the lowest and the highest level the first module.
    """
    if high.ci_provider != Combination.ci_provider:
        return not high.modules and high.level - low.level == 1
    if low.modules == high.modules:
        return high.modules in (frozenset(), ALL) and high.level - low.level in (
            1,
            RULES.highest - 1,
        )
    at_an_end = low.level in (1, RULES.highest)
    return (
        at_an_end
        and not low.modules
        and low.level == high.level
        and _one_more(low.modules, high.modules)
    )


def _one_more(low: frozenset[str], high: frozenset[str]) -> bool:
    """Whether to ask for one module more leads from one set to the other."""
    return any(high == RULES.with_required(low | {module}) for module in high - low)


def by_turns() -> list[tuple[Combination, str]]:
    """Every combination, by turns with each Python version: for what takes minutes for each."""
    return [
        (combination, PYTHONS[(turn + combination.level) % len(PYTHONS)])
        for turn, combination in enumerate(RULES.combinations())
    ]


def verified() -> list[tuple[Combination, str]]:
    """Every level with every set of modules, by turns with each Python version and CI provider.

    For what takes minutes for each: the provider decides which pipelines there are, and
    `tests/static` checks those of both.
    """
    found = []
    for turn, (level, modules) in enumerate(
        dict.fromkeys((each.level, each.modules) for each in RULES.combinations())
    ):
        providers = RULES.providers(level)
        combination = Combination(level, modules, providers[(turn + 1) % len(providers)])
        found.append((combination, PYTHONS[(turn + level) % len(PYTHONS)]))
    return found


def every() -> list[str]:
    """The ids of what is verified, for the jobs of CI."""
    return [f"{combination}-{python}" for combination, python in verified()]
