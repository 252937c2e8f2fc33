"""In which phase a feature is installed."""

from enum import IntEnum, auto


class Phase(IntEnum):
    """From the inside out: a feature of a later phase sees a request before earlier ones do.

    A module of a service's folder `features` has a `PHASE` and a `feature`. Within a phase the
    names of the modules decide.
    """

    INNERMOST = auto()
    DATABASE = auto()
    CALLS = auto()
    SECURITY = auto()
    INPUT = auto()
    DEADLINES = auto()
    STOPPING = auto()
    LOGS = auto()
    ERRORS = auto()
    ROUTES = auto()
    METRICS = auto()
    HEADERS = auto()
    TRACING = auto()
    OUTERMOST = auto()
