"""The table of sales."""

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data_postgres_api.database import SHARED, Base


class SalesRow(Base):
    """How often an article was ordered."""

    __tablename__ = "sales"
    __owner__ = SHARED

    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    quantity: Mapped[int] = mapped_column(BigInteger)
    orders: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("sales_most", quantity.desc(), sku),)
