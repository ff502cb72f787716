"""
Keys in order of time: a delivery is known by when it was made, and found by its shelf.

Revises 0005.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterator

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: Rows that are held in memory at a time, with what they were accepted as.
_BATCH = 500

_events = sa.table("webhook_events", *map(sa.column, ("id", "webhook_id", "payload")))
_notices = sa.table("notices", sa.column("webhook_id"))
_chronicle = sa.table("chronicle", sa.column("webhook_id"))

_MADE = re.compile(
    rb'"createdAt"\s{0,9}:\s{0,9}"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?'
)


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.drop_index("webhook_events_booking_id", "webhook_events")
    op.create_index("webhook_events_booking_id", "webhook_events", ["booking_id"])
    op.drop_index("webhook_events_uid", "webhook_events")
    op.create_index(
        "webhook_events_shelf",
        "webhook_events",
        [
            sa.column("id").op(">>")(sa.literal_column("11")),
            sa.func.substr(sa.column("uid"), sa.literal_column("1"), sa.literal_column("100")),
        ],
    )
    _name_anew()


def _name_anew() -> None:
    """
    Have deliveries known by the names that they would be given now.

    One whose payload was pruned keeps its name: what would tell it again is gone.  Should it come
    once more it is taken for new, and has no second effect: its occurrence is known still.
    """
    connection = op.get_bind()
    for batch in _batches(connection):
        named = [
            {"before": row.webhook_id, "after": name}
            for row in batch
            if (name := _name(row.payload)) != row.webhook_id
        ]
        for table in (_events, _notices, _chronicle) if named else ():
            mine = table.c.webhook_id == sa.bindparam("before")
            connection.execute(
                sa.update(table).where(mine).values(webhook_id=sa.bindparam("after")), named
            )


def _batches(connection: sa.Connection) -> Iterator[list[Any]]:
    last = 0
    while True:
        query = sa.select(_events).where(_events.c.id > last).order_by(_events.c.id)
        batch = list(connection.execute(query.limit(_BATCH)))
        if not batch:
            return
        last = batch[-1].id
        yield [row for row in batch if row.payload]


def _name(body: bytes) -> str:
    told = bytes(body).rstrip(b"\r\n")
    digest = hashlib.sha256(told).hexdigest()
    made = _MADE.search(told)
    return f"{b''.join(made.groups(b'')).decode()}-{digest}"[:64] if made else digest
