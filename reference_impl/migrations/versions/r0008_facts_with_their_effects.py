"""
Facts with their effects: an occurrence is one row, and knows its appointment.

Revises 0007.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_COLUMNS = (
    *("occurrence", "kind", "at", "uid", "previous_uid", "booking_id", "own_id", "booking"),
    *("appointment_id", "fact"),
)


def upgrade() -> None:
    """Bring the tables to this revision."""
    columns = ", ".join(_COLUMNS)
    # Under a name of its own, so that the table that is made anew gets the names that it should.
    op.execute(
        "CREATE TABLE effects_before AS SELECT e.id, e.occurrence, e.kind, e.at, h.uid,"
        " h.previous_uid, h.booking_id, h.appointment_id AS own_id, e.booking,"
        " coalesce(b.appointment_id, e.appointment_id) AS appointment_id, h.fact"
        " FROM effects e JOIN appointment_history h ON h.occurrence = e.occurrence"
        " LEFT JOIN appointment_bookings b ON b.booking = e.booking"
    )
    for table in ("effects", "appointment_history", "appointment_bookings"):
        op.drop_table(table)
    op.create_table(
        "effects",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
        _text("occurrence", nullable=False, unique=True),
        _text("kind", nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(_text(name) for name in _COLUMNS[3:-1]),
        sa.Column("fact", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_effects_booking_id", "effects", ["booking_id"])
    for name in ("uid", "appointment_id"):
        op.create_index(f"ix_effects_{name}", "effects", [name], postgresql_using="hash")
    for name in ("previous_uid", "own_id"):
        rows = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_effects_{name}",
            "effects",
            [name],
            sqlite_where=rows,
            postgresql_where=rows,
            postgresql_using="hash",
        )
    op.execute(
        f"INSERT INTO effects ({columns}) SELECT {columns} FROM effects_before ORDER BY id"  # noqa: S608 - our names
    )
    op.drop_table("effects_before")


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **more)
