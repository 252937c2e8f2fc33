"""The rule engine for Python: what `stages.yml` and `modules/*/rules.yml` say about paths.

Tests, documents and benchmarks use it. `stages.jinja` says the same to Copier, and
`tests/static/test_exact_trees.py` compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, product
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template"
SUFFIX = ".jinja"
# The level from which on a project is asked whose pipelines it has.
PIPELINES_SINCE = 4
ANSWERS_FILE = "{{ _copier_conf.answers_file }}"

# The services whose settings rules add to.
EXTENDED = frozenset({"services/business_api", "services/data_postgres_api"})


@dataclass(frozen=True)
class Level:
    """A level of maturity, as `levels` in stages.yml describes it."""

    number: int
    name: str
    purpose: str
    coverage: int
    gates: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """What one sub-stage or module brings at one level, or what an answer or a module adds to that.

    `answer` is the question and the answer of an entry under `when` in stages.yml, `beside` the
    module of one under `with`. `needs` names capabilities. The rule of a capability has its name as
    `capability`, and no stage.
    """

    stage: str
    module: str | None
    level: int
    scope: str = ""
    features: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    answer: tuple[str, str] | None = None
    beside: str | None = None
    needs: tuple[str, ...] = ()
    # What it adds to the dependencies of projects of the workspace, by their folders.
    libraries: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # Settings of a service, by its folder: the name in .env, and the value without one.
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    # Settings of a service that are files in production.
    secrets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # Whose keys a service has to know, by its folder: prefixes of the keys of what calls it.
    callers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # Settings that tests must not inherit from the project.
    withheld: tuple[str, ...] = ()
    capability: str | None = None

    @property
    def claims(self) -> tuple[str, ...]:
        """The paths that the rule brings, documents included, from the project's root."""
        return self.artifacts + tuple(f"docs/{document}" for document in self.documents)


@dataclass(frozen=True)
class Stage:
    """A sub-stage in the order of execution; `module` is the question that asks for it, if any.

    `requires` names the modules that come with it, whatever is answered to their own questions.
    """

    id: str
    title: str
    module: str | None
    rules: tuple[Rule, ...]
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Combination:
    """What a project can be asked for: level, modules, whose pipelines, and the example."""

    level: int
    modules: frozenset[str] = field(default_factory=frozenset)
    ci_provider: str = "github"
    example: bool = True

    def __str__(self) -> str:
        other = [self.ci_provider] * (self.ci_provider != "github")
        other += ["no_example"] * (not self.example)
        return "-".join([f"level{self.level}", *other, *sorted(self.modules)])

    @property
    def answers(self) -> dict[str, object]:
        """The answers that ask Copier for this combination."""
        asked: dict[str, object] = {}
        if self.level >= PIPELINES_SINCE:
            asked["ci_provider"] = self.ci_provider
        if not self.example:
            asked["example"] = False
        return {"maturity_level": self.level, **asked, **dict.fromkeys(sorted(self.modules), True)}


@dataclass(frozen=True, eq=False)
class Rules:
    """All of stages.yml, and the rules of each module."""

    levels: Mapping[int, Level]
    stages: tuple[Stage, ...]
    moved: Mapping[str, str | None]
    example: tuple[str, ...] = ()
    capabilities: tuple[Rule, ...] = ()

    @property
    def rules(self) -> Iterator[Rule]:
        """Every rule: those of stages in the order of execution, then those of capabilities."""
        return chain((rule for stage in self.stages for rule in stage.rules), self.capabilities)

    @property
    def highest(self) -> int:
        """The highest level that is offered: the last one that claims artifacts."""
        return max(rule.level for rule in self.rules if rule.module is None and rule.artifacts)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that are offered: those that claim artifacts."""
        found = {rule.module for rule in self.rules if rule.module and rule.artifacts}
        return tuple(stage.module for stage in self.stages if stage.module in found)

    def with_required(self, modules: Iterable[str]) -> frozenset[str]:
        """The modules, and those that come with them."""
        asked = frozenset(modules)
        return asked.union(*(stage.requires for stage in self.stages if stage.module in asked))

    def sets_of_modules(self) -> list[frozenset[str]]:
        """Every set of modules that is offered, each with those that come with it."""
        every = (
            frozenset(m for m, on in zip(self.modules, flags, strict=True) if on)
            for flags in product([False, True], repeat=len(self.modules))
        )
        return [modules for modules in every if modules == self.with_required(modules)]

    def combinations(self) -> list[Combination]:
        """Every level that is offered with all that can be asked for there."""
        return [
            Combination(level, modules, provider)
            for level in range(1, self.highest + 1)
            for modules in self.sets_of_modules()
            for provider in self.providers(level)
        ]

    def providers(self, level: int) -> tuple[str, ...]:
        """The services whose pipelines a project of `level` may have; the first is the default."""
        answers = (rule.answer[1] for rule in self.rules if rule.answer)
        found = dict.fromkeys([Combination.ci_provider, *answers])
        return tuple(found) if level >= PIPELINES_SINCE else tuple(found)[:1]

    def active(self, rule: Rule, combination: Combination) -> bool:
        """Whether `combination` asks for what `rule` brings."""
        if rule.capability:
            return rule.level <= combination.level and rule.capability in self.needed(combination)
        asked = {None, *self.with_required(combination.modules)}
        chosen = rule.answer in (None, ("ci_provider", combination.ci_provider))
        return {rule.module, rule.beside} <= asked and chosen and rule.level <= combination.level

    @cache  # noqa: B019 -- the rules live as long as the process
    def needed(self, combination: Combination) -> frozenset[str]:
        """The capabilities that what `combination` asks for needs."""
        of_stages = (rule for stage in self.stages for rule in stage.rules)
        active = (rule for rule in of_stages if self.active(rule, combination))
        return frozenset(name for rule in active for name in rule.needs)

    def excluded_claims(self, combination: Combination) -> set[str]:
        """The claims that `combination` leaves out: those of no active rule, and the example's."""
        active, inactive = set[str](), set[str]()
        for rule in self.rules:
            (active if self.active(rule, combination) else inactive).update(rule.claims)
        return (inactive - active) | set(() if combination.example else self.example)

    def claimants(self, path: str) -> list[Rule]:
        """The rules whose claim decides about `path`: those with the longest claim on it.

        A claim by name comes before one with "*": what a module has is not everybody's.
        """
        found = [
            ("*" not in claim, claim.count("/"), rule)
            for rule in self.rules
            for claim in rule.claims
            if matches(claim, path)
        ]
        best = max((rank[:2] for rank in found), default=None)
        return [rule for *rank, rule in found if tuple(rank) == best]

    def rendered(self, combination: Combination) -> set[str]:
        """The paths of the files that `combination` renders, from the project's root."""
        return {
            path
            for path in template_files()
            if any(self.active(rule, combination) for rule in self.claimants(path))
            and (combination.example or not self.of_example(path))
        }

    def of_example(self, path: str) -> bool:
        """Whether `path` belongs to the example."""
        return any(matches(claim, path) for claim in self.example)


@cache
def _pattern(claim: str) -> re.Pattern[str]:
    return re.compile(re.escape(claim).replace(r"\*", "[^/]*") + "(/.*)?")


def matches(claim: str, path: str) -> bool:
    """Whether `claim` is `path`, a folder around it, or either with "*" for one segment."""
    return _pattern(claim).fullmatch(path) is not None


@cache
def template_files() -> Mapping[str, Path]:
    """The files below template/ by the path that they render to."""
    files = {}
    for file in TEMPLATE.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            path = file.relative_to(TEMPLATE).as_posix().removesuffix(SUFFIX)
            files[path.replace(ANSWERS_FILE, ".copier-answers.yml")] = file
    return files


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((key, _frozen(each)) for key, each in value.items())
    return tuple(value) if isinstance(value, list) else value


def _rules(stage: str, module: str | None, level: int, entry: dict[str, Any]) -> Iterator[Rule]:
    values = {key: _frozen(v) for key, v in entry.items() if key not in ("when", "with")}
    yield Rule(stage=stage, module=module, level=level, **values)
    for question, choices in entry.get("when", {}).items():
        for answer, artifacts in choices.items():
            chosen = (question, answer)
            yield Rule(stage, module, level, artifacts=tuple(artifacts), answer=chosen)
    for other, more in entry.get("with", {}).items():
        values = {key: _frozen(v) for key, v in more.items()}
        yield Rule(stage, module, level, beside=other, **values)


def _capabilities(data: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> Iterator[Rule]:
    for name, levels in data.items():
        for level, entry in levels.items():
            values = {key: _frozen(v) for key, v in entry.items()}
            yield Rule("", None, level, capability=name, **values)


@cache
def load(path: Path = ROOT / "stages.yml") -> Rules:
    """Read the rules; a key that the engine does not know is an error."""
    data = yaml.safe_load(path.read_text())
    manifests = {name: path.parent / "modules" / name / "rules.yml" for name in data["modules"]}
    data["modules"] = {name: yaml.safe_load(file.read_text()) for name, file in manifests.items()}
    stages = {stage["id"]: stage | {"module": None} for stage in data["stages"]}
    stages |= {stage["id"]: stage | {"module": name} for name, stage in data["modules"].items()}
    if set(stages) != set(data["order"]):
        raise ValueError(f"{path}: order and stages differ: {set(stages) ^ set(data['order'])}")
    for name, module in data["modules"].items():
        for other in module.get("requires", []):
            # Said once for all, so that nobody has to follow a chain.
            more = set(data["modules"][other].get("requires", []))
            if not more <= set(module["requires"]):
                raise ValueError(f"{path}: {name} requires {other}, so also {sorted(more)}")
    rules = Rules(
        levels={
            number: Level(number, **(level | {"gates": tuple(level["gates"])}))
            for number, level in data["levels"].items()
        },
        stages=tuple(
            Stage(
                id=id_,
                title=stages[id_]["title"],
                module=stages[id_]["module"],
                requires=tuple(stages[id_].get("requires", [])),
                rules=tuple(
                    rule
                    for number, entry in stages[id_]["levels"].items()
                    for rule in _rules(id_, stages[id_]["module"], number, entry)
                ),
            )
            for id_ in data["order"]
        ),
        moved=data.get("moved", {}),
        example=tuple(data["example"]["paths"]) if "example" in data else (),
        capabilities=tuple(_capabilities(data.get("capabilities", {}))),
    )
    unknown = {name for rule in rules.rules for name in rule.needs}
    unknown -= {rule.capability for rule in rules.capabilities}
    if unknown:
        raise ValueError(f"{path}: rules need capabilities that do not exist: {sorted(unknown)}")
    for rule in (*rules.rules, *rules.capabilities):
        folders = {folder for folder, _ in (*rule.settings, *rule.secrets)}
        if not folders <= EXTENDED:
            raise ValueError(
                f"{path}: {rule.module} has settings for {sorted(folders - EXTENDED)}, but only "
                f"{sorted(EXTENDED)} take those of others: write the others into compose.yml."
            )
    return rules
