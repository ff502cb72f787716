"""
Several writers: one row a writer in the counts, and one delivery at a time per booking by index.

Revises 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_COUNTS = ("received", "duplicates", "done", "failed", "dead")
_SECONDS = ("seconds_total", "seconds_last")


def upgrade() -> None:
    """Bring the tables to this revision."""
    which = sa.text("state = 'processing'")
    op.drop_index("webhook_events_processing", table_name="webhook_events")
    op.create_index(
        "webhook_events_processing",
        "webhook_events",
        ["booking"],
        unique=True,
        sqlite_where=which,
        postgresql_where=which,
    )
    names = ", ".join(("event_type", *_COUNTS, *_SECONDS))
    op.execute(f"CREATE TABLE counted_before AS SELECT {names} FROM webhook_stats")  # noqa: S608 - our names
    op.drop_table("webhook_stats")
    op.create_table(
        "webhook_stats",
        sa.Column("event_type", sa.Text, primary_key=True),
        sa.Column("writer", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, _COUNT, nullable=False) for name in _COUNTS),
        *(sa.Column(name, sa.Float, nullable=False) for name in _SECONDS),
        sa.Column("last_at", sa.BigInteger, nullable=False),
    )
    op.execute(
        f"INSERT INTO webhook_stats (writer, last_at, {names})"  # noqa: S608 - our names
        f" SELECT 0, 0, {names} FROM counted_before"
    )
    op.drop_table("counted_before")
