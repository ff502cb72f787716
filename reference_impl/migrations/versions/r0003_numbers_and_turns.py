"""
Booking numbers and turns: deliveries are found by number too, and one process sends the notices.

Revises 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    # What was received before is not found by number: its payload would have to be read again.
    op.add_column("webhook_events", sa.Column("booking_id", sa.Text))
    op.create_index(
        "webhook_events_booking_id", "webhook_events", ["booking_id"], postgresql_using="hash"
    )
    op.create_table(
        "notice_turns",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
