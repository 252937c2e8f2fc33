"""A data service for tests of the worker."""

from typing import Any

from chassis.client import ServiceClient


class DataService(ServiceClient):
    """Gives the answers of a test in turn, and keeps what it was asked; errors are raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    async def call(
        self, method: str, path: str, answer: Any, *, body: Any = None, params: Any = None
    ) -> Any:
        self.asked.append((method, path, body if params is None else params))
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found
