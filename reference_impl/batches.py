"""
Deliveries in batches, each to be changed in a transaction of its own.

Whoever accepts deliveries meanwhile waits for a few hundred rows at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from reference_impl.store import rows
from reference_impl.tables import webhook_bodies, webhook_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection

    from reference_impl.store import Store

_events = webhook_events.c

#: The state of a dead letter that somebody looked at and gave up.
DISCARDED = "discarded"

_kept = webhook_bodies.alias("kept").c

#: Whether a delivery has its payload still.
WHOLE = exists(_kept.id).where(_kept.id == _events.id)

_BATCH = 500

#: Seconds between two batches: writers of other processes look for their turn every few of these.
PAUSE_SECONDS = 0.02


def batches(
    store: Store, matches: ColumnElement[bool], *, whole: bool | None = None
) -> Iterator[list[dict[str, Any]]]:
    """
    The rows of *store* that meet *matches*, by number; none that comes while they are read.

    With *whole* those that have their payload still, without those that have not.
    """
    columns = (_events.id, _events.webhook_id, _events.event_type, _events.state)
    query = select(*columns, WHOLE.label("whole")).where(matches)
    number: ColumnElement[int] = _events.id
    if whole:
        # By the bodies: most rows may have lost theirs long ago, and need not be looked at.
        number = webhook_bodies.c.id
        query = query.join(webhook_bodies, number == _events.id)
    elif whole is not None:
        query = query.where(~WHOLE)
    with store.read() as connection:
        newest = connection.scalar(select(func.max(_events.id))) or 0
    last = 0
    while True:
        following = query.where(number > last, number <= newest)
        with store.read() as connection:
            batch = rows(connection, following.order_by(number).limit(_BATCH))
        if not batch:
            return
        last = batch[-1]["id"]
        yield batch


def held(connection: Connection, mine: ColumnElement[bool]) -> dict[int, str]:
    """Keep others from the deliveries that meet *mine* until the transaction ends: their ids."""
    columns = (_events.id, _events.webhook_id)
    query = select(*columns).where(mine).order_by(_events.id).with_for_update()
    return dict(map(tuple, connection.execute(query)))
