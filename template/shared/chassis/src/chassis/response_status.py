"""What a middleware that only watches has to know of the answer."""

from starlette.types import Message, Send


class ResponseStatus:
    """Stands in for `send`, and keeps the status of the answer; 500 until an answer begins."""

    @classmethod
    def of(cls, send: Send) -> "ResponseStatus":
        """Return `send` itself if it is one: two that watch need no second look."""
        return send if isinstance(send, cls) else cls(send)

    def __init__(self, send: Send) -> None:
        self._send = send
        self.value = 500

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.value = message["status"]
        await self._send(message)
