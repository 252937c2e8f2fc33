"""The table of the audit log."""

from sqlalchemy import BigInteger, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from data_postgres_api.database import SHARED, Base


class AuditRow(Base):
    """A record; `hash` is SHA-256 of the hash before it and of `record`, which is JSON."""

    __tablename__ = "audit_log"
    __owner__ = SHARED

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    record: Mapped[str] = mapped_column(Text)
