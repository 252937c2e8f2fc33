"""The table of the inbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from data_postgres_api.database import SHARED, Base


class InboxRow(Base):
    """A message that had its effect on what a consumer keeps."""

    __tablename__ = "inbox"
    __owner__ = SHARED

    consumer: Mapped[str] = mapped_column(String(64), primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )

    __table_args__ = (Index("inbox_oldest", received_at),)
