"""Files, and what they are attached to."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "files_0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = ("files",)
depends_on: str | Sequence[str] | None = None
# Read by "make downgrade": without this module there is no such table.
module: str = "file_storage"

UNFINISHED = "state IN ('pending', 'uploaded', 'scanning')"
UNCOPIED = "state = 'ready' AND backed_up_at IS NULL"
STALE_COPY = "purged_at IS NOT NULL AND backed_up_at IS NOT NULL"
UNPURGED = "state IN ('rejected', 'expired', 'deleted') AND purged_at IS NULL"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("uploaded_by", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("declared_type", sa.String(127), nullable=False),
        sa.Column("content_type", sa.String(127)),
        sa.Column("size", sa.BigInteger()),
        sa.Column("max_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("purge_after", sa.DateTime(timezone=True)),
        sa.Column("purged_at", sa.DateTime(timezone=True)),
        sa.Column("backed_up_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.CheckConstraint("size >= 0 AND size <= max_size", name="files_size_within_limit"),
    )
    newest = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index("files_newest", "files", newest)
    op.create_index("files_newest_by_owner", "files", ["owner", *newest])
    op.create_index("files_key", "files", ["key"], unique=True)
    unfinished, unpurged = sa.text(UNFINISHED), sa.text(UNPURGED)
    op.create_index(
        "files_unfinished", "files", ["state", "created_at"], postgresql_where=unfinished
    )
    uncopied = sa.text(UNCOPIED)
    op.create_index("files_uncopied", "files", ["updated_at"], postgresql_where=uncopied)
    stale = sa.text(STALE_COPY)
    op.create_index("files_stale_copies", "files", ["id"], postgresql_where=stale)
    op.create_index("files_unpurged", "files", ["purge_after"], postgresql_where=unpurged)
    op.create_table(
        "file_attachments",
        sa.Column(
            "file_id", sa.Uuid(), sa.ForeignKey("files.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("subject_type", sa.String(32), primary_key=True),
        sa.Column("subject_id", sa.String(64), primary_key=True),
    )
    op.create_index("file_attachments_subject", "file_attachments", ["subject_type", "subject_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("file_attachments")
    op.drop_table("files")
