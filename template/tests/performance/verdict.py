"""From single requests to figures, and from figures to what was not kept."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from tests.performance.profiles import Demand, Phase

# A generator that cannot keep the rate has measured something else.
ENOUGH_OF_THE_RATE = 0.9
# Readiness takes some milliseconds. Where it takes more than this, all that comes near is late too.
LATE_READINESS = 100.0
NEAR_SECONDS = 0.5
# Of fewer than this share of a phase's requests nothing can be said.
ENOUGH_TO_JUDGE = 1 / 3
REFUSALS_THAT_SAY_WHEN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Objectives:
    """What is promised; shares are from 0 to 1."""

    availability: float
    latency: float
    seconds: float
    memory_growth: float


def read_objectives() -> Objectives:
    """Return what `slo.toml` says."""
    content = tomllib.loads(Path(__file__).with_name("slo.toml").read_text())
    return Objectives(**content)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its phase, and its status, which is 0 when there was no answer."""

    phase: int
    name: str
    started: float
    milliseconds: float
    status: int
    says_when: bool = False

    @property
    def failed(self) -> bool:
        """Whether it was not answered as a request at a good time is."""
        return not HTTPStatus.OK <= self.status < HTTPStatus.BAD_REQUEST

    @property
    def was_refused_properly(self) -> bool:
        """Whether its caller knows that it was too much, and when to come again."""
        if self.status in REFUSALS_THAT_SAY_WHEN:
            return self.says_when
        return self.status == HTTPStatus.GATEWAY_TIMEOUT


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run brought: requests, and when readiness was asked and how long that took.

    `busy` says that the machine had more to do than it has cores, so that not all that is late is
    the system's fault.
    """

    requests: Sequence[Request]
    readiness: Sequence[tuple[float, float]]
    busy: bool

    def calm(self, requests: Sequence[Request]) -> list[Request]:
        """Return the requests during which, and near which, readiness was not late."""
        late = [
            (started - NEAR_SECONDS, started + milliseconds / 1000 + NEAR_SECONDS)
            for started, milliseconds in self.readiness
            if milliseconds > LATE_READINESS
        ]
        return [
            request
            for request in requests
            if not any(
                begin < request.started + request.milliseconds / 1000 and request.started < end
                for begin, end in late
            )
        ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What did not hold, and what nobody can tell because the machine was too busy."""

    wrong: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in a phase; times are milliseconds, NaN when there was no request."""

    phase: Phase
    requests: int
    errors: int
    improper: int
    p50: float
    p95: float
    p99: float

    @property
    def rate(self) -> float:
        """How many requests a second there were."""
        return self.requests / self.phase.seconds


def percent(share: float) -> str:
    """Return a share as people read it: 0.999 is 99.9 %."""
    return f"{round(share * 100, 2):g} %"


def percentile(values: Sequence[float], rank: float) -> float:
    """Return the value that `rank` percent of the sorted `values` do not exceed."""
    return values[max(0, math.ceil(len(values) * rank / 100) - 1)]


def improper(requests: Sequence[Request]) -> list[Request]:
    """Return the requests that were neither answered nor refused properly."""
    return [each for each in requests if each.failed and not each.was_refused_properly]


def of_phase(measured: Measured, index: int) -> list[Request]:
    return [request for request in measured.requests if request.phase == index]


def figures_of(phases: Sequence[Phase], measured: Measured) -> list[Figures]:
    """Return the figures of each phase."""
    found = []
    for index, phase in enumerate(phases):
        made = of_phase(measured, index)
        times = sorted(request.milliseconds for request in made) or [math.nan]
        p50, p95, p99 = (percentile(times, rank) for rank in (50, 95, 99))
        failed = sum(request.failed for request in made)
        found.append(Figures(phase, len(made), failed, len(improper(made)), p50, p95, p99))
    return found


def breaches(phase: Phase, requests: Sequence[Request], objectives: Objectives) -> list[str]:
    """Return a sentence for each objective that these requests do not meet."""
    if not requests:
        return []
    found = []
    number = len(requests)
    good = sum(not request.failed for request in requests) / number
    if good < objectives.availability:
        found.append(
            f"{phase.name}: {percent(good)} of {number} requests without an error, "
            f"{percent(objectives.availability)} are promised"
        )
    limit = objectives.seconds * 1000
    in_time = sum(request.milliseconds <= limit for request in requests) / number
    if in_time < objectives.latency:
        found.append(
            f"{phase.name}: {percent(in_time)} of {number} requests within {objectives.seconds} "
            f"seconds, {percent(objectives.latency)} are promised"
        )
    return found


def judge(phases: Sequence[Phase], measured: Measured, objectives: Objectives) -> Verdict:
    """Hold each phase against what it demands."""
    wrong: list[str] = []
    unclear: list[str] = []
    for index, phase in enumerate(phases):
        made = of_phase(measured, index)
        if phase.demand is not Demand.NOTHING and (bad := improper(made)):
            wrong.append(
                f"{phase.name}: {len(bad)} requests were neither answered nor refused properly "
                "(429 or 503 with Retry-After, or 504), such as "
                f'"{bad[0].name}": {bad[0].status or "no answer"}'
            )
        if phase.demand is Demand.OBJECTIVES:
            verdict = _kept(phase, made, measured, objectives)
            wrong += verdict.wrong
            unclear += verdict.unclear
    return Verdict(tuple(wrong), tuple(unclear))


def _kept(
    phase: Phase, made: Sequence[Request], measured: Measured, objectives: Objectives
) -> Verdict:
    """Hold one phase against the objectives; moments of a busy machine are left out if need be."""
    planned = phase.rate * phase.seconds
    found = breaches(phase, made, objectives)
    if len(made) < planned * ENOUGH_OF_THE_RATE:
        found.insert(0, f"{phase.name}: {len(made)} of {planned} requests could be made in time")
    if not found or not measured.busy:
        return Verdict(tuple(found))
    calm = measured.calm(made)
    if len(calm) < planned * ENOUGH_TO_JUDGE:
        late = f"and readiness itself was late at all but {len(calm)} of {len(made)}"
        return Verdict(unclear=tuple(f"{breach}, {late}" for breach in found))
    return Verdict(tuple(breaches(phase, calm, objectives)))


def highest_rate(phases: Sequence[Phase], measured: Measured, objectives: Objectives) -> int | None:
    """Return the rate of the last step before the first that did not meet the objectives."""
    met = None
    for index, phase in enumerate(phases):
        made = of_phase(measured, index)
        if phase.name != "step":
            continue
        if len(made) < phase.rate * phase.seconds * ENOUGH_OF_THE_RATE:
            break
        if breaches(phase, made, objectives):
            break
        met = phase.rate
    return met


def grown(
    before: Mapping[str, float], after: Mapping[str, float], objectives: Objectives
) -> list[str]:
    """Return a sentence for each service that holds more memory than it may; values are bytes."""
    return [
        f"{name}: {after[name] / 2**20:.0f} MB at the end, {before[name] / 2**20:.0f} MB at the "
        f"start, and {percent(objectives.memory_growth)} more are allowed"
        for name in before
        if after[name] > before[name] * (1 + objectives.memory_growth)
    ]
