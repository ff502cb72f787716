"""
The chronicle: what happened to a delivery beside what its row still says.

A replay sets tries and reason back, and a later try overwrites those of the one before; whoever
looks into a trouble needs all of them.  A delivery that succeeds at once leaves nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from reference_impl.tables import chronicle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from reference_impl.claims import Job

#: What can happen: a try fails and another is planned, or an operator does something.
FAILED = "failed"
REPLAYED = "replayed"
DISCARDED = "discarded"


def failed(connection: Connection, job: Job, reason: str, now: int) -> None:
    """Enter that a try at *job* failed and is to be followed by another."""
    row = {"webhook_id": job.webhook_id, "kind": FAILED, "tries": job.tries, "reason": reason}
    connection.execute(insert(chronicle), [{**row, "at": now}])


def acted(connection: Connection, kind: str, webhook_ids: Iterable[str], now: int) -> None:
    """Enter that an operator had those of *webhook_ids* `REPLAYED` or `DISCARDED`."""
    entered = [{"webhook_id": id_, "kind": kind, "at": now} for id_ in webhook_ids]
    if entered:
        connection.execute(insert(chronicle), entered)


def last_action(connection: Connection, webhook_id: str) -> tuple[int, str | None]:
    """The number and the kind of what an operator did last to a delivery; 0 if nobody did."""
    mine = (chronicle.c.webhook_id == webhook_id) & chronicle.c.kind.in_((REPLAYED, DISCARDED))
    query = select(chronicle.c.id, chronicle.c.kind).where(mine).order_by(chronicle.c.id.desc())
    found = connection.execute(query.limit(1)).first()
    return (0, None) if found is None else (found.id, found.kind)
