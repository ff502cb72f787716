"""
Claims: which deliveries a worker is given next.

By priority and age; one at a time per booking, whoever works on it.
"""

from __future__ import annotations

import operator
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Update,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    update,
)

from reference_impl import logs
from reference_impl.inbox import HANDICAP
from reference_impl.store import among
from reference_impl.store.locks import try_lock
from reference_impl.tables import webhook_bodies, webhook_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from reference_impl.clock import Clock
    from reference_impl.settings import Settings
    from reference_impl.store import Store

_events = webhook_events.c

# Statements are built once: making one costs more than executing it.
NOW = bindparam("now", type_=BigInteger)
# As literals, because the indexes are partial: a parameter may be anything.
WAITING: ColumnElement[str] = literal_column("'waiting'")
PROCESSING: ColumnElement[str] = literal_column("'processing'")
_DUE = (
    (_events.state == WAITING)
    & (_events.queue == bindparam("mine"))
    # Nothing due ranks beyond this: keeps the look off those that wait for a retry.
    & (_events.rank <= NOW + 2 * HANDICAP)
    # What was never tried is due whatever the clock showed where it came: it may be a little ahead.
    & ((_events.tries == 0) | (_events.due_at <= NOW))
)
_EXPIRED = (_events.state == PROCESSING) & (_events.lease_until <= NOW)
_LOOK = select(or_(exists(_events.id).where(_DUE), exists(_events.id).where(_EXPIRED)))
_OTHER = webhook_events.alias()
_FREE = _events.booking.not_in(select(_OTHER.c.booking).where(_OTHER.c.state == PROCESSING))
_NEXT = (
    select(_events.id, _events.booking, _events.tries, _events.interruptions)
    .where(_DUE, _FREE)
    # The order of the index and no other, or all that waits would be sorted for each claim.
    .order_by(_events.rank)
    .limit(bindparam("limit", type_=Integer))
    # Where there are several writers: what somebody else is about to claim is left to him.
    .with_for_update(skip_locked=True, of=webhook_events)
)
_CLAIM = (
    update(webhook_events)
    .where(among(_events.id, "chosen"), _FREE)
    .values(
        state="processing",
        tries=_events.tries + 1,
        lease_token=bindparam("token"),
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until", type_=BigInteger),
    )
    .returning(
        _events.rank,
        _events.id,
        _events.webhook_id,
        _events.event_type,
        _events.uid,
        _events.booking_id,
        _events.received_at,
        _events.tries,
        _events.interruptions,
    )
)

_BODIES = select(webhook_bodies.c.id, webhook_bodies.c.body).where(
    among(webhook_bodies.c.id, "ids")
)
_BODY = select(webhook_bodies.c.body).where(webhook_bodies.c.id == _events.id)
_CLAIM_WHOLE = _CLAIM.returning(_BODY.scalar_subquery()).execution_options(in_binary=True)

#: Rank and id, the first columns of these.
_BY_RANK = operator.itemgetter(0, 1)


def free(condition: ColumnElement[bool]) -> Update:
    """Let others claim what meets *condition*: its worker is gone, which is no failed try."""
    held = select(_events.id).where(_events.state == PROCESSING, condition)
    return (
        update(webhook_events)
        # What somebody else is freeing, or finishing, is left to him.
        .where(_events.id.in_(held.with_for_update(skip_locked=True)))
        .values(
            state="waiting",
            tries=_events.tries - 1,
            interruptions=_events.interruptions + 1,
            lease_token=None,
        )
    )


_FREE_EXPIRED = free(_EXPIRED)

#: Microseconds between two looks for leases that ran out, while there is other work.
_FREEING = 1_000_000


class Job(NamedTuple):
    """A delivery that this worker holds the lease of; its values in the order of a claim's."""

    id: int
    webhook_id: str
    trigger: str
    uid: str | None
    booking_id: int | None
    received_at: int
    tries: int
    interruptions: int
    body: bytes
    token: str

    def named(self) -> dict[str, Any]:
        """How the log names it, in the guide's words."""
        named = logs.delivery(self.trigger, self.booking_id, self.uid, self.webhook_id)
        named["tries"] = self.tries
        return named


class Claims:
    """Gives out the deliveries of one queue."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        #: When this process looked last for leases that ran out.
        self._freed_at = 0

    def is_due(self) -> bool:
        """Whether a claim may find something; a look that holds nobody up."""
        values = {"now": self.clock.now(), "mine": self.settings.queue}
        with self.store.read() as connection:
            return bool(connection.scalar(_LOOK, values))

    def claim(self, limit: int = 1) -> list[Job]:
        """
        The leases of the next deliveries, of up to *limit*; none when there is none to be had.

        By priority and age; never one whose booking is being worked on, nor two of one booking.
        What was tried before comes alone: it may fail again, or end its worker.
        """
        now = self.clock.now()
        token = secrets.token_hex(16)
        values = {
            "token": token,
            "owner": self.store.owner,
            "until": now + round(self.settings.lease * 1_000_000),
        }
        # Nothing is lost with a claim: without it the delivery simply still waits.
        with self.store.write(durable=False) as connection:
            self.store.walk_indexes(connection)
            chosen = self._next(connection, now, limit)
            if not chosen:
                return []
            rows = self._take(connection, {**values, "chosen": chosen})
        rows.sort(key=_BY_RANK)
        return [_job(row, token) for row in rows]

    def _take(self, connection: Connection, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        """What is claimed with these *values*: rows as `_job` takes them, in no order."""
        if self.store.looks_up:
            return list(connection.execute(_CLAIM_WHOLE, values))
        rows = connection.execute(_CLAIM, values).all()
        found = connection.execute(_BODIES, {"ids": [row.id for row in rows]})
        bodies: dict[int, bytes] = dict(map(tuple, found))
        return [(*row, bodies.get(row.id)) for row in rows]

    def _next(self, connection: Connection, now: int, limit: int) -> list[int]:
        """The rows to claim, those among them whose leases ran out if it is time to look."""
        if abs(now - self._freed_at) < _FREEING:
            chosen = self._choose(connection, now, limit)
            if chosen:
                return chosen
        connection.execute(_FREE_EXPIRED, {"now": now})
        self._freed_at = now
        return self._choose(connection, now, limit)

    def _choose(self, connection: Connection, now: int, limit: int) -> list[int]:
        """The rows to claim: of each booking the first one, and of none that is being claimed."""
        asked = {"now": now, "mine": self.settings.queue, "limit": limit}
        first: dict[str, int] = {}
        for id_, booking, tries, interruptions in connection.execute(_NEXT, asked):
            tried = tries or interruptions
            if not (first and tried):
                first.setdefault(booking, id_)
            if tried:
                break
        # From here on nobody else claims one of these bookings; whoever did so before is seen by
        # the statement that follows.
        names = {f"claim {booking}": booking for booking in first}
        return [first[names[name]] for name in try_lock(connection, names)]


def _job(row: Sequence[Any], token: str) -> Job:
    # Taken apart whole: to ask a row for one value after another takes far longer.
    _, id_, webhook_id, trigger, uid, text, received_at, tries, interruptions, body = row
    number = None if text is None else int(text)
    # A body that is missing fails by itself, and keeps no other from being worked on.
    told = body or b""
    return Job(
        id_, webhook_id, trigger, uid, number, received_at, tries, interruptions, told, token
    )
