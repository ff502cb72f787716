"""
What the dashboard shows: the store as people look at it.

Every look is bounded: a screenful of rows, however many there are.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import case, select

from reference_impl import backlog, chronicle, counts, logs
from reference_impl.shelves import numbers
from reference_impl.store import rows
from reference_impl.tables import chronicle as entries
from reference_impl.tables import effects, notices, webhook_bodies, webhook_events

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reference_impl.backlog import Backlog

_events = webhook_events.c

#: Rows of one list.
SCREENFUL = 50

# Never the payload: a list is no place for it, and it is most of a row.
_LISTED = (
    _events.id,
    _events.webhook_id,
    _events.event_type,
    _events.uid,
    _events.booking_id,
    _events.state,
    _events.tries,
    _events.received_at,
    _events.due_at,
    _events.finished_at,
    _events.reason,
)

Row = dict[str, Any]


def stand(connection: Connection, now: int) -> Backlog:
    """How much waits at the instant *now*."""
    return backlog.look(connection, now)


def triggers(connection: Connection) -> list[Row]:
    """Counts and durations per trigger, the busiest first."""
    counted = sorted(counts.counted(connection), key=lambda row: -row["received"])
    return [
        {**row, "seconds_mean": row["seconds_total"] / row["done"] if row["done"] else None}
        for row in counted[:SCREENFUL]
    ]


def queue(connection: Connection) -> list[Row]:
    """What is being worked on, and what comes next."""
    first = case((_events.state == "processing", 0), else_=1)
    waiting = _events.state.in_(("waiting", "processing"))
    query = select(*_LISTED).where(waiting).order_by(first, _events.rank, _events.id)
    return rows(connection, query.limit(SCREENFUL))


def dead(connection: Connection) -> list[Row]:
    """The dead letters, the latest first."""
    query = select(*_LISTED).where(_events.state == "dead").order_by(_events.id.desc())
    return rows(connection, query.limit(SCREENFUL))


def number_of(connection: Connection, webhook_id: str) -> int | None:
    """The number of the delivery that the log names so."""
    if "\0" in webhook_id:
        return None
    return connection.scalar(select(_events.id).where(_events.webhook_id == webhook_id.lower()))


def of_booking(connection: Connection, name: str) -> list[Row]:
    """The deliveries about the booking of this uid or id, the latest first."""
    # No name in the store holds it, and PostgreSQL takes no text that does.
    if "\0" in name:
        return []
    numbered = _events.booking_id == name
    # By its uid too where the id names one: some triggers carry the uid alone.
    uids = select(_events.uid).where(numbered, _events.uid.is_not(None)).distinct()
    names = {name, *connection.scalars(uids.limit(SCREENFUL))}
    # And by those that it had before it was rescheduled, or has since.
    homes = select(effects.c.appointment_id).where(effects.c.booking.in_(names))
    same = select(effects.c.uid).where(effects.c.appointment_id.in_(homes)).distinct()
    names |= set(connection.scalars(same.where(effects.c.uid.is_not(None)).limit(SCREENFUL)))
    by_number = select(*_LISTED).where(numbered)
    by_uid = select(*_LISTED).where(
        _events.id.in_(numbers(webhook_events, names)), _events.uid.in_(names)
    )
    # One after the other: asked for both at once the database would look through all there are.
    found: dict[int, Row] = {}
    for query in (by_number, by_uid):
        latest = rows(connection, query.order_by(_events.id.desc()).limit(SCREENFUL))
        found.update((row["id"], row) for row in latest)
    return [found[number] for number in sorted(found, reverse=True)][:SCREENFUL]


def one(connection: Connection, number: int) -> Row | None:
    """
    The delivery *number* with what became of it.

    That is its failed tries, what operators did, its notices, and its booking's effects, in the
    order of time.  Its payload lacks what opens doors.  `acted` numbers what an operator did last.
    """
    found = rows(connection, select(webhook_events).where(_events.id == number))
    if not found:
        return None
    row = found[0]
    body = connection.scalar(select(webhook_bodies.c.body).where(webhook_bodies.c.id == number))
    told = select(notices).where(notices.c.webhook_id == row["webhook_id"]).order_by(notices.c.id)
    acted = select(effects).where(effects.c.booking == row["uid"]).order_by(effects.c.id)
    past = [(row["received_at"], "received")]
    if row["uid"] is not None:
        past += [
            (effect["at"], f"effect on the booking: {effect['kind']}")
            for effect in rows(connection, acted.limit(SCREENFUL))
        ]
    for notice in rows(connection, told.limit(SCREENFUL)):
        past.append((notice["at"], f"dead letter: {notice['reason']}"))
        if notice["sent_at"] is not None:
            past.append((notice["sent_at"], "administrators told"))
    mine = select(entries).where(entries.c.webhook_id == row["webhook_id"]).order_by(entries.c.id)
    past += [(entry["at"], _said(entry)) for entry in rows(connection, mine.limit(SCREENFUL))]
    if row["state"] == "waiting":
        past.append((row["due_at"], "due"))
    elif row["finished_at"] is not None:
        past.append((row["finished_at"], f"over: {row['state']}"))
    past.sort(key=operator.itemgetter(0))
    number, _ = chronicle.last_action(connection, row["webhook_id"])
    return {**row, "body": _legible(body), "history": past, "acted": number}


def _said(entry: Row) -> str:
    if entry["kind"] == chronicle.FAILED:
        return f"try {entry['tries']} failed: {entry['reason']}"
    return str(entry["kind"])


def _legible(body: bytes | None) -> str | None:
    """*body* as people read it; `None` when it was pruned."""
    if body is None:
        return None
    document = logs.redacted(orjson.loads(body))
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
