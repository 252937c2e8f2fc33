"""Sales by article."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "sales_0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = ("sales",)
depends_on: str | Sequence[str] | None = None
# Read by "make downgrade": without this module there is no such table.
module: str = "workers"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "sales",
        sa.Column("sku", sa.String(64), primary_key=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
    )
    op.create_index("sales_most", "sales", [sa.text("quantity DESC"), "sku"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("sales")
