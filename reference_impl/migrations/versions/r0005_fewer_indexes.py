"""
Fewer indexes: of effects their appointment's, and of history what it has.

Revises 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.drop_index("ix_effects_booking", "effects")
    for table, column, rows in (
        ("effects", "appointment_id", "appointment_id IS NOT NULL"),
        ("effects", "uid", "appointment_id IS NULL"),
        ("appointment_history", "previous_uid", "previous_uid IS NOT NULL"),
        ("appointment_history", "appointment_id", "appointment_id IS NOT NULL"),
    ):
        name = f"ix_{table}_{column}"
        op.drop_index(name, table)
        op.create_index(
            name,
            table,
            [column],
            sqlite_where=sa.text(rows),
            postgresql_where=sa.text(rows),
            postgresql_using="hash",
        )
