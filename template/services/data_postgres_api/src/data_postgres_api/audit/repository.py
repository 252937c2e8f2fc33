"""Reads the audit log, and checks that it is what was written."""

from collections.abc import Sequence
from hashlib import sha256

import orjson
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.audit import AuditAppended, AuditEvent, AuditPage, AuditRecord
from data_postgres_api.audit.log import append, records_of
from data_postgres_api.audit.models import AuditRow

PART = 1000


class Tampered(Exception):
    """The log is not what was written; the message says from where on."""


class AuditRepository:
    """The audit log within the transaction of `session`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def append(self, events: Sequence[AuditEvent]) -> AuditAppended:
        """Append events; they are kept once the transaction is committed."""
        records = records_of(events)
        sequence, chain = await self._session.run_sync(append, records)
        return AuditAppended(sequence=sequence, hash=chain)

    async def page(self, limit: int, before: int | None) -> AuditPage:
        """Return a part of the log, the newest first."""
        statement = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(limit)
        if before is not None:
            statement = statement.where(AuditRow.sequence < before)
        rows = (await self._session.scalars(statement)).all()
        more = rows[-1].sequence if rows and rows[-1].sequence > 1 else None
        return AuditPage(items=tuple(_to_record(row) for row in rows), next_before=more)

    async def verify(self, known: tuple[int, str] | None = None) -> tuple[int, str]:
        """Return the end of the chain, or raise `Tampered`.

        `known` is an end that was noted earlier, in the service's logs: the chain has to hold it,
        else its end was cut off or all of it was made anew.
        """
        expected, chain = 0, b""
        while rows := await self._after(expected):
            for sequence, written, record in rows:
                expected += 1
                if sequence != expected:
                    raise Tampered(f"Record {expected} is missing.")
                chain = sha256(chain + record.encode()).digest()
                if chain != written:
                    raise Tampered(f"Record {expected} is not what was written.")
                if known is not None and expected == known[0] and chain.hex() != known[1]:
                    raise Tampered(f"The log up to record {expected} was made anew.")
        if known is not None and expected < known[0]:
            raise Tampered(f"The log ends at record {expected}, and had {known[0]}.")
        return expected, chain.hex()

    async def _after(self, sequence: int) -> Sequence[Row[int, bytes, str]]:
        columns = (AuditRow.sequence, AuditRow.hash, AuditRow.record)
        statement = select(*columns).where(AuditRow.sequence > sequence)
        result = await self._session.execute(statement.order_by(AuditRow.sequence).limit(PART))
        return result.all()


def _to_record(row: AuditRow) -> AuditRecord:
    content = orjson.loads(row.record)
    return AuditRecord.model_validate(
        {**content, "sequence": row.sequence, "hash": row.hash.hex()}, extra="ignore"
    )
