"""`python -m data_postgres_api.audit`: check the audit log, and print its end.

With an end that was noted earlier (SEQUENCE:HASH, from the logs), that one has to be in it.
"""

import asyncio
import sys

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.settings import read_settings
from data_postgres_api.audit.repository import AuditRepository, Tampered
from data_postgres_api.database import create_engine
from data_postgres_api.settings import PostgresSettings


async def verify(known: tuple[int, str] | None) -> int:
    """Print what the log says of itself; return 1 when it was tampered with."""
    engine = create_engine(read_settings(PostgresSettings))
    try:
        async with AsyncSession(engine) as session:
            sequence, chain = await AuditRepository(session).verify(known)
    except Tampered as error:
        print(f"The audit log was tampered with. {error}", file=sys.stderr)
        return 1
    finally:
        await engine.dispose()
    print(f"The audit log is what was written: {sequence} records, {sequence}:{chain}")
    return 0


def main(arguments: list[str]) -> int:
    """Read the arguments, verify, and return the exit code."""
    known = None
    if arguments and arguments[0]:
        sequence, _, chain = arguments[0].partition(":")
        if not sequence.isdigit() or not chain:
            print("An end of the log is SEQUENCE:HASH, as the logs have it.", file=sys.stderr)
            return 2
        known = int(sequence), chain
    return asyncio.run(verify(known))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
