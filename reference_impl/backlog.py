"""
The backlog: how much waits in the inbox, and for how long.

A look that neither waits for a writer nor holds one up, and that reads no more rows than wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, literal_column, select

from reference_impl.inbox import HANDICAP, PRIORITIES
from reference_impl.notices import UNSENT
from reference_impl.tables import notices, webhook_events

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_events = webhook_events.c

#: What the guide calls the priorities ("Supported Events").
PRIORITY_NAMES = ("high", "medium", "low")

# As literals, because the indexes are partial: a parameter may be anything.
_WAITING: ColumnElement[bool] = _events.state == literal_column("'waiting'")
_PROCESSING: ColumnElement[bool] = _events.state == literal_column("'processing'")
_DEAD: ColumnElement[bool] = _events.state == literal_column("'dead'")

_PRIORITY = case(PRIORITIES, value=_events.event_type, else_=len(PRIORITY_NAMES) - 1)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at one instant."""

    #: Deliveries that wait, by the name of their priority; those for a later try too.
    waiting: dict[str, int]
    processing: int
    #: Seconds the oldest delivery that is due has been due.
    oldest_seconds: float
    dead: int
    #: Dead letters nobody was told of.
    unsent: int


def look(connection: Connection, now: int) -> Backlog:
    """The backlog at the instant *now*."""
    counted = connection.execute(
        select(_PRIORITY, func.count()).where(_WAITING).group_by(_PRIORITY)
    )
    waiting = dict.fromkeys(PRIORITY_NAMES, 0)
    waiting |= {PRIORITY_NAMES[row[0]]: row[1] for row in counted}
    unsent = select(func.count()).select_from(notices).where(UNSENT)
    return Backlog(
        waiting=waiting,
        processing=connection.scalar(select(func.count(_events.id)).where(_PROCESSING)) or 0,
        oldest_seconds=oldest_seconds(connection, now),
        dead=connection.scalar(select(func.count(_events.id)).where(_DEAD)) or 0,
        unsent=connection.scalar(unsent) or 0,
    )


def oldest_seconds(connection: Connection, now: int) -> float:
    """Seconds that the oldest delivery that is due has been due at the instant *now*."""
    oldest = now
    for queue in connection.scalars(select(_events.queue).where(_WAITING).distinct()).all():
        mine = _WAITING & (_events.queue == queue)
        first = connection.scalar(select(func.min(_events.rank)).where(mine))
        # What is due the longest ranks at most two steps of priority behind what ranks first.
        near = mine & (_events.rank <= first + 2 * HANDICAP)
        due_at = connection.scalar(select(func.min(_events.due_at)).where(near))
        oldest = min(oldest, now if due_at is None else due_at)
    return (now - oldest) / 1_000_000
