"""
Pruning: forgetting the payloads of deliveries that are long over, and at last their rows.

A row without its payload is how a redelivery is recognised.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from reference_impl.batches import DISCARDED, PAUSE_SECONDS, batches, held
from reference_impl.tables import chronicle, notices, webhook_bodies, webhook_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from reference_impl.store import Store

_events = webhook_events.c


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning came to."""

    #: Deliveries that lost their payload, and notices about them.
    deliveries: int
    notices: int
    #: Deliveries that were forgotten altogether.
    forgotten: int


class Pruning:
    """Forgets what *store* holds of deliveries that are over, and gives way to others."""

    def __init__(self, store: Store, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._pause = pause

    def prune(
        self, *, before: int, forget_before: int | None = None, dry_run: bool = False
    ) -> Pruned:
        """
        Forget the payloads of deliveries that were over before the instant *before*.

        The rows stay, without payload: they are how a redelivery is recognised.  Only those that
        were over before *forget_before* too go altogether.  Dead letters stay whole until they are
        replayed or discarded.
        """
        forgotten = 0 if forget_before is None else self._forget(forget_before, dry_run=dry_run)
        over = _over(before)
        deliveries = dropped = 0
        for batch in batches(self._store, over, whole=True):
            told = notices.c.webhook_id.in_([row["webhook_id"] for row in batch])
            if dry_run:
                deliveries += len(batch)
                with self._store.read() as connection:
                    dropped += connection.scalar(select(func.count()).where(told)) or 0
                continue
            # Looked at again: a replay may have begun since the batch was read.
            mine = over & _events.id.in_([row["id"] for row in batch])
            with self._store.write() as connection:
                named = held(connection, mine)
                ids = list(named.values())
                bodies = webhook_bodies.c.id.in_(list(named))
                deliveries += connection.execute(delete(webhook_bodies).where(bodies)).rowcount
                theirs = notices.c.webhook_id.in_(ids)
                dropped += connection.execute(delete(notices).where(theirs)).rowcount
                past = chronicle.c.webhook_id.in_(ids)
                connection.execute(delete(chronicle).where(past))
            self._pause(PAUSE_SECONDS)
        return Pruned(deliveries, dropped, forgotten)

    def payloads(self, since: int, before: int) -> int:
        """How many payloads `prune` would forget of what was over at *since* or later."""
        query = select(func.count()).where(_events.id == webhook_bodies.c.id, _over(before))
        with self._store.read() as connection:
            return connection.scalar(query.where(_events.finished_at >= since)) or 0

    def _forget(self, before: int, *, dry_run: bool) -> int:
        """
        Remove rows that lost their payload and were over before *before*: how many.

        What took effect is kept elsewhere, by occurrence: a redelivery that is not recognised any
        more is processed once more, and has no second effect.
        """
        over = _over(before)
        forgotten = 0
        for batch in batches(self._store, over, whole=False):
            forgotten += len(batch)
            if dry_run:
                continue
            mine = over & _events.id.in_([row["id"] for row in batch])
            with self._store.write() as connection:
                connection.execute(delete(webhook_events).where(mine))
            self._pause(PAUSE_SECONDS)
        return forgotten


def _over(before: int) -> ColumnElement[bool]:
    """Whether a delivery has been over since before *before*, and nobody has to look at it."""
    return _events.state.in_(("done", DISCARDED)) & (_events.finished_at < before)
