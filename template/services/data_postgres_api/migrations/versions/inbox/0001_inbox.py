"""The inbox: messages that had their effect."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "inbox_0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = ("inbox",)
depends_on: str | Sequence[str] | None = None
# Read by "make downgrade": without this module there is no such table.
module: str = "workers"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.Uuid(), primary_key=True),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
    )
    op.create_index("inbox_oldest", "inbox", ["received_at"])


def downgrade() -> None:
    """Drop the table: what is delivered once more has its effect once more."""
    op.drop_table("inbox")
