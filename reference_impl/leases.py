"""
Leases: who works on which delivery.

A claim (`claims`) gives a worker a delivery for a while and a token; whoever holds the token may
finish it, and a lease that ran out is taken by another worker.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Update, bindparam, exists, or_, select, update

from reference_impl import logs
from reference_impl.claims import NOW, PROCESSING, WAITING, Claims, free
from reference_impl.clock import SKEW
from reference_impl.store import among
from reference_impl.tables import webhook_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reference_impl.claims import Job

_events = webhook_events.c

_HELD = among(_events.id, "ids") & among(_events.lease_token, "tokens")
_STRANDED = free(_HELD)
_PUT_BACK = (
    update(webhook_events)
    .where(_HELD)
    .values(state="waiting", tries=_events.tries - 1, lease_token=None)
)

# Times that no clock could have set that shows what ours shows now.
_AHEAD = (
    (_events.state == WAITING)
    & (_events.queue == bindparam("mine"))
    & (_events.rank > NOW + SKEW)
    & (_events.due_at > NOW + SKEW)
    & ((_events.tries == 0) | (_events.due_at > bindparam("last_try", type_=BigInteger)))
)
_HELD_AHEAD = (_events.state == PROCESSING) & (
    _events.lease_until > bindparam("last_lease", type_=BigInteger)
)
_LOOK_AHEAD = select(or_(exists(_events.id).where(_AHEAD), exists(_events.id).where(_HELD_AHEAD)))
_BRING_BACK = (
    update(webhook_events)
    .where(_AHEAD)
    .values(rank=_events.rank - _events.due_at + NOW, due_at=NOW)
)
_LEASE_ANEW = (
    update(webhook_events)
    .where(_HELD_AHEAD)
    .values(lease_until=bindparam("until", type_=BigInteger))
)


class LeaseLostError(Exception):
    """Another worker holds the delivery now; nothing of this try may remain."""


class Leases(Claims):
    """Gives out the deliveries of one queue, and takes them back."""

    def take_over(self) -> None:
        """Free the leases of processes that are known to have ended, without waiting for expiry."""
        with self.store.write() as connection:
            held = select(_events.lease_owner).where(_events.state == "processing").distinct()
            owners = connection.scalars(held).all()
            gone = [owner for owner in owners if not self.store.lives(connection, owner)]
            if gone:
                connection.execute(free(_events.lease_owner.in_(gone)))

    def catch_up(self) -> None:
        """
        Bring back within reach what lies ahead of every plan: the clock was put back.

        What was never tried is due at once, whatever the clock showed when it came; no retry is
        further away than the longest wait, and no lease than two of them (clocks may differ).
        """
        now, lease = self.clock.now(), round(self.settings.lease * 1_000_000)
        values = {
            "now": now,
            "mine": self.settings.queue,
            "last_try": now + round(max(self.settings.backoff) * 1_000_000),
            "last_lease": now + 2 * lease,
        }
        with self.store.read() as connection:
            if not connection.scalar(_LOOK_AHEAD, values):
                return
        with self.store.write() as connection:
            connection.execute(_BRING_BACK, values)
            connection.execute(_LEASE_ANEW, {**values, "until": now + lease})
        logs.logger().warning("Clock was put back, deliveries brought forward")

    def give_back(self) -> int:
        """Free what this process still holds, for others to claim at once: how many that was."""
        mine = free(_events.lease_owner == self.store.owner)
        with self.store.write() as connection:
            return connection.execute(mine).rowcount

    def put_back(self, jobs: Sequence[Job], *, interrupted: bool = False) -> None:
        """
        Let others claim *jobs* at once, as if this claim had not been.

        With *interrupted* they were begun, and the try that did not end is an interruption.
        """
        held = {"ids": [job.id for job in jobs], "tokens": list({job.token for job in jobs})}
        with self.store.write(durable=False) as connection:
            connection.execute(_STRANDED if interrupted else _PUT_BACK, held)

    def release(self, connection: Connection, jobs: Sequence[Job], **values: Any) -> None:
        """
        Give up the leases of *jobs*, which one claim gave, and set *values* for each of them.

        Raises:
            LeaseLostError: if one of them is not held any more.
        """
        mine = {"rows": [job.id for job in jobs], "token": jobs[0].token}
        changed = connection.execute(_releasing(tuple(values)), {**mine, **values})
        if changed.rowcount != len(jobs):
            raise LeaseLostError


@functools.cache
def _releasing(names: tuple[str, ...]) -> Update:
    rows = among(_events.id, "rows")
    mine = rows & (_events.lease_token == bindparam("token"))
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(webhook_events).where(mine).values({**values, "lease_token": None})
