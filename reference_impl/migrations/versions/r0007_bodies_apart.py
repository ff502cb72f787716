"""
Bodies apart: what never changes of a delivery is not written anew with what does.

Revises 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "webhook_bodies",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.execute(
        "INSERT INTO webhook_bodies (id, body) SELECT id, payload FROM webhook_events"
        " WHERE length(payload) > 0"
    )
    op.drop_column("webhook_events", "payload")
