"""
One way to an effect: by its booking and its occurrence, in one index in the place of two.

Revises 0008.
"""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_COLUMNS = (
    *("occurrence", "kind", "at", "uid", "previous_uid", "booking_id", "own_id", "booking"),
    *("appointment_id", "fact"),
)

#: Characters of a name that fits PostgreSQL's index beside a key, as `columns` has it since.
_LONGEST = 150

#: How that spells characters that are spelled otherwise.
_SPELLED = (("\ue0000", "\0"), ("\ue0001", "\ue000"))


def upgrade() -> None:
    """Bring the tables to this revision."""
    columns = ", ".join(_COLUMNS)
    named = columns.replace(
        ", booking,",
        # A form may name a booking and is not about it; what names none is known by itself.
        ", coalesce(uid, booking, occurrence) AS booking,",
    )
    # Under a name of its own, so that the table that is made anew gets the names that it should.
    op.execute(f"CREATE TABLE effects_before AS SELECT id, {named} FROM effects")  # noqa: S608 - our names
    op.drop_table("effects")
    if op.get_bind().dialect.name == "postgresql":
        _shorten()
    op.create_table(
        "effects",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
        _text("occurrence", nullable=False),
        _text("kind", nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(_text(name) for name in _COLUMNS[3:-3]),
        _text("booking", nullable=False),
        _text("appointment_id"),
        sa.Column("fact", sa.LargeBinary, nullable=False),
    )
    op.create_index("effects_occurrence", "effects", ["booking", "occurrence"], unique=True)
    op.create_index("ix_effects_booking_id", "effects", ["booking_id"])
    op.create_index(
        "ix_effects_appointment_id", "effects", ["appointment_id"], postgresql_using="hash"
    )
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


def _shorten() -> None:
    """Have names that are too long for an entry kept as what stands for them."""
    connection = op.get_bind()
    before = sa.table("effects_before", sa.column("id"), sa.column("booking"))
    long = sa.func.length(before.c.booking) > _LONGEST
    for number, name in connection.execute(sa.select(before).where(long)).all():
        for written, meant in _SPELLED:
            name = name.replace(written, meant)  # noqa: PLW2901 - one after the other
        if len(name) > _LONGEST:
            stands = f"sha256 {hashlib.sha256(name.encode()).hexdigest()}"
            connection.execute(before.update().where(before.c.id == number).values(booking=stands))


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **more)
