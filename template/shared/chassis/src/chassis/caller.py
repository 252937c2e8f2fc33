"""The name of `chassis.subject` in earlier versions; new code imports `Subject`."""

from chassis.subject import Subject as Caller

__all__ = ["Caller"]
