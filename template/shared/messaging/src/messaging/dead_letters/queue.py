"""Takes messages out of a queue of dead letters."""

from collections.abc import AsyncIterator, Mapping

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, HeadersType
from aio_pika.exceptions import ChannelNotFoundEntity

from messaging.publisher import connect
from messaging.reader import ATTEMPT, BAD_ANSWERS, DEAD_SINCE, FAILURES, REASON
from messaging.settings import RabbitSettings

OURS = frozenset({ATTEMPT, BAD_ANSWERS, DEAD_SINCE, FAILURES, REASON})
THEIRS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")


def reason_of(headers: Mapping[str, object]) -> str:
    """Return why a message was dead-lettered: by a reader, or by RabbitMQ itself."""
    if REASON in headers:
        return str(headers[REASON])
    return "The process that had it ended, again and again: by it, or by one beside it."


async def dead_letters(
    settings: RabbitSettings, queue: str, limit: int | None = None, *, requeue: bool
) -> AsyncIterator[tuple[str, str]]:
    """Yield id and reason of the messages that are there now, at most `limit`, the oldest first.

    With `requeue` each is put back into `queue` before, as if for the first time; it leaves the
    dead letters once that has it. Raises `LookupError` when there is no such queue.
    """
    async with await connect(settings, "dead letters") as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            await channel.get_queue(queue)
            dead = await channel.get_queue(f"{queue}.dead")
        except ChannelNotFoundEntity as error:
            raise LookupError(f"There is no queue {queue} with dead letters.") from error
        # What comes back while this goes on is not put back once more.
        number = dead.declaration_result.message_count or 0
        for _ in range(number if limit is None else min(limit, number)):
            message = await dead.get(fail=False)
            if message is None:
                return
            if requeue:
                await channel.default_exchange.publish(_anew(message), queue, mandatory=True)
                await message.ack()
            # What is only looked at goes back to where it was when the channel closes.
            yield str(message.message_id), reason_of(message.headers)


def _anew(message: AbstractIncomingMessage) -> aio_pika.Message:
    headers: HeadersType = {
        key: value
        for key, value in message.headers.items()
        if key not in OURS and not key.startswith(THEIRS)
    }
    return aio_pika.Message(
        message.body,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        timestamp=message.timestamp,
        headers=headers,
    )
