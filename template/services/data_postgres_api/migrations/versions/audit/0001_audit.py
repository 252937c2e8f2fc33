"""The audit log: append-only, and chained by hashes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "audit_0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = ("audit",)
depends_on: str | Sequence[str] | None = None
# Read by "make downgrade": below this level there is no such table.
level: int = 4

# The lock makes one of two transactions that write at once the second; it is held until the commit,
# so it is taken last. The text is kept as it came: a hash over JSON needs its very bytes.
APPEND = """
CREATE FUNCTION audit_append(records text[]) RETURNS TABLE (last_sequence bigint, last_hash bytea)
LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
    chain bytea;
    record text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_log'));
    SELECT a.sequence, a.hash INTO number, chain FROM audit_log a ORDER BY a.sequence DESC LIMIT 1;
    FOREACH record IN ARRAY records LOOP
        number := coalesce(number, 0) + 1;
        chain := sha256(coalesce(chain, ''::bytea) || convert_to(record, 'UTF8'));
        INSERT INTO audit_log (sequence, hash, record) VALUES (number, chain, record);
    END LOOP;
    RETURN QUERY SELECT number, chain;
END $$
"""
REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$
"""
TRIGGER = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
"""


def upgrade() -> None:
    """Create the log, the function that appends to it, and the trigger that keeps it."""
    op.create_table(
        "audit_log",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
    )
    op.execute(APPEND)
    op.execute(REFUSE)
    op.execute(TRIGGER)


def downgrade() -> None:
    """Drop the log."""
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION audit_append")
    op.execute("DROP FUNCTION audit_refuse")
