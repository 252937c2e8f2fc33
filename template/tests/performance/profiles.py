"""The four profiles: how many requests a second come, for how long, and what has to hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# So many requests a second are a good day.
USUAL = 15
# A user comes once in so many seconds, and late after a longer wait for an answer, so an
# overload never has more under way than this many seconds' worth of requests.
PERIOD = 5
# After an overload the objectives hold again within so many seconds.
RECOVERY = 20
SOAK = 30 * 60


class Demand(StrEnum):
    """What has to hold in a phase."""

    NOTHING = "nothing, it is not counted"
    ORDER = "what is not answered is refused properly"
    OBJECTIVES = "the objectives"


@dataclass(frozen=True, slots=True)
class Phase:
    """So many requests a second, for so many seconds."""

    name: str
    rate: int
    seconds: int
    demand: Demand


def _warm_up(seconds: int) -> Phase:
    return Phase("warm-up", USUAL, seconds, Demand.NOTHING)


def _afterwards() -> list[Phase]:
    return [
        Phase("recovery", USUAL, RECOVERY, Demand.ORDER),
        Phase("afterwards", USUAL, 30, Demand.OBJECTIVES),
    ]


def _load() -> list[Phase]:
    return [_warm_up(5), Phase("steady", USUAL, 30, Demand.OBJECTIVES)]


def _stress() -> list[Phase]:
    steps = [Phase("step", rate, 12, Demand.ORDER) for rate in (30, 45, 60, 90, 120, 150)]
    return [_warm_up(10), *steps, *_afterwards()]


def _spike() -> list[Phase]:
    before = Phase("before", USUAL, 20, Demand.OBJECTIVES)
    return [_warm_up(10), before, Phase("spike", 10 * USUAL, 8, Demand.ORDER), *_afterwards()]


def _soak(seconds: int) -> list[Phase]:
    return [_warm_up(30), Phase("steady", USUAL, seconds, Demand.OBJECTIVES)]


NAMES = ("load", "stress", "spike", "soak")


def phases_of(profile: str, soak_seconds: int = SOAK) -> list[Phase]:
    """Return the phases of one of `NAMES`, in their order."""
    match profile:
        case "load":
            return _load()
        case "stress":
            return _stress()
        case "spike":
            return _spike()
        case "soak":
            return _soak(soak_seconds)
    raise ValueError(f'There is no profile "{profile}", only {", ".join(NAMES)}.')


def phase_at(phases: Sequence[Phase], seconds: float) -> int | None:
    """Return the index of the phase that runs after so many seconds, None after the last."""
    for index, phase in enumerate(phases):
        seconds -= phase.seconds
        if seconds < 0:
            return index
    return None


def seconds_in(text: str) -> int:
    """Return the seconds of a duration such as 90s, 30m or 2h."""
    number, unit = text[:-1], text[-1:]
    factor = {"s": 1, "m": 60, "h": 3600}.get(unit)
    if factor is None or not number.isascii() or not number.isdigit() or int(number) == 0:
        raise ValueError(f'"{text}" is no duration such as 90s, 30m or 2h.')
    return int(number) * factor
