"""The tables of orders."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Numeric, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data_postgres_api.database import Base, OwnedBy, OwnedThrough


class OrderRow(Base):
    """An order; `version` is the optimistic lock that lets one of two racing writers win."""

    __tablename__ = "orders"
    __owner__ = OwnedBy("customer_id")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    currency: Mapped[str] = mapped_column(String(3))
    total: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    lines: Mapped[list["OrderLineRow"]] = relationship(
        order_by="OrderLineRow.position", lazy="raise", cascade="all, delete-orphan"
    )

    # Eager defaults read the timestamps that PostgreSQL makes with the write itself.
    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("total >= 0", name="orders_total_not_negative"),
        Index("orders_newest", created_at.desc(), id.desc()),
        Index("orders_newest_by_status", status, created_at.desc(), id.desc()),
    )


class OrderLineRow(Base):
    """One article of an order."""

    __tablename__ = "order_lines"
    __owner__ = OwnedThrough("order_id")

    order_id: Mapped[UUID] = mapped_column(
        ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int]
    unit_amount: Mapped[Decimal] = mapped_column(Numeric(18, 2))

    __table_args__ = (CheckConstraint("quantity > 0", name="order_lines_quantity_positive"),)
