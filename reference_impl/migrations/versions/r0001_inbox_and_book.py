"""
Inbox, book, notices and counts: the store as it was before revisions were written down.

Revises nothing.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_COUNT = sa.BigInteger().with_variant(sa.Integer, "sqlite")

#: Which deliveries the partial indexes are about, and by what they find them.
_PARTIAL = {"waiting": ["queue", "rank"], "processing": ["booking"], "dead": ["id"]}

#: By which columns rows are found, where no text is too long for the index.
_FOUND_BY = {
    "appointment_bookings": ["appointment_id"],
    "appointment_history": ["uid", "previous_uid", "booking_id", "appointment_id"],
    "effects": ["uid", "booking", "appointment_id"],
    "notices": ["webhook_id", "uid"],
}


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "webhook_events",
        _serial("id"),
        sa.Column("webhook_id", sa.String(64), nullable=False, unique=True),
        _text("event_type", nullable=False),
        _text("uid"),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        _text("queue", nullable=False),
        _text("booking", nullable=False),
        _instant("rank", nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        _instant("due_at", nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("interruptions", sa.Integer, nullable=False),
        sa.Column("lease_token", sa.String(32)),
        _text("lease_owner"),
        _instant("lease_until"),
        _text("reason"),
        _instant("received_at", nullable=False),
        _instant("finished_at"),
        # A number that was given once is never given again.
        sqlite_autoincrement=True,
    )
    op.create_index("webhook_events_uid", "webhook_events", ["uid"], postgresql_using="hash")
    for state, columns in _PARTIAL.items():
        which: Any = sa.text(f"state = '{state}'")
        op.create_index(
            f"webhook_events_{state}",
            "webhook_events",
            columns,
            sqlite_where=which,
            postgresql_where=which,
        )
    op.create_table(
        "appointments",
        _serial("sequence"),
        _text("id", nullable=False, unique=True),
        sa.Column("ours", sa.Boolean, nullable=False),
        *(_instant(name) for name in ("own_start", "own_end")),
        *(_text(name) for name in ("uid", "booking_id", "reschedule_uid")),
        sa.Column("status", sa.String(10), nullable=False),
        *(_instant(name) for name in ("start_time", "end_time", "rescheduled_from")),
        *(_text(name) for name in ("cancellation_reason", "title")),
        sa.Column("attendees", sa.JSON, nullable=False),
        *(_instant(name) for name in ("confirmed_at", "rescheduled_at", "cancelled_at")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "appointment_bookings",
        sa.Column("booking", sa.Text, primary_key=True),
        _text("appointment_id", nullable=False),
    )
    op.create_table(
        "appointment_history",
        _serial("id"),
        _text("occurrence", nullable=False, unique=True),
        *(_text(name) for name in ("uid", "previous_uid", "booking_id", "appointment_id")),
        sa.Column("fact", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "effects",
        _serial("id"),
        _text("occurrence", nullable=False, unique=True),
        _text("kind", nullable=False),
        *(_text(name) for name in ("uid", "booking", "appointment_id")),
        _instant("at", nullable=False),
    )
    op.create_table(
        "notices",
        _serial("id"),
        sa.Column("webhook_id", sa.String(64), nullable=False),
        _text("event_type", nullable=False),
        _text("uid"),
        _text("reason", nullable=False),
        _instant("at", nullable=False),
        _instant("sent_at"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _instant("at", nullable=False),
    )
    op.create_table(
        "webhook_stats",
        sa.Column("event_type", sa.Text, primary_key=True),
        *(
            sa.Column(name, _COUNT, nullable=False)
            for name in ("received", "duplicates", "done", "failed", "dead")
        ),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("seconds_total", "seconds_last")),
    )
    for table, columns in _FOUND_BY.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using="hash")


def _serial(name: str) -> sa.Column[int]:
    return sa.Column(name, _SERIAL, primary_key=True, autoincrement=True)


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **more)


def _instant(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, **more)
