"""
The tables of the receiver.  Instants are microseconds since 1970; see `instants`.

Whoever changes them adds a revision to `migrations`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from reference_impl.columns import COUNT, KEY, NAME, SERIAL, WORDS
from reference_impl.shelves import shelf, spine

metadata = MetaData()

# What SQLite is not told of an index is its `info`, which `store.postgresql` reads: SQLAlchemy
# would load everything about PostgreSQL for an option of its own.


def _found_by(table: Table, *names: str, where: ColumnElement[bool] | None = None) -> None:
    """
    Let rows of *table* be found by what equals one of the columns *names*, however long.

    With *where* those alone that meet it: no other row costs the index anything.
    """
    for name in names:
        Index(
            f"ix_{table.name}_{name}",
            table.c[name],
            sqlite_where=where,
            info={"method": "hash"},
        )


#: The inbox, which is also the queue: one row a delivery, kept when it is done.
webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("webhook_id", String(64), nullable=False, unique=True),
    Column("event_type", WORDS, nullable=False),
    Column("uid", WORDS),
    # As text: a booking id may exceed what the store's integers hold.
    Column("booking_id", Text),
    Column("queue", Text, nullable=False),
    # Whose turn is whose: deliveries of one booking are worked on one at a time.
    Column("booking", KEY, nullable=False),
    # What claims are ordered by: the time it is due, handicapped by its priority.
    Column("rank", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    # Tries that ended with the worker, not with an answer.
    Column("interruptions", Integer, nullable=False, default=0),
    Column("lease_token", String(32)),
    Column("lease_owner", Text),
    Column("lease_until", BigInteger),
    Column("reason", WORDS),
    Column("received_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    sqlite_autoincrement=True,
)
Index("webhook_events_shelf", shelf(webhook_events.c.id), spine(webhook_events.c.uid))
# Numbers are given in order and are short: in an order of their own they lie together.
Index("webhook_events_booking_id", webhook_events.c.booking_id)
Index(
    "webhook_events_waiting",
    webhook_events.c.queue,
    webhook_events.c.rank,
    sqlite_where=webhook_events.c.state == "waiting",
)
# Unique: whatever claims do at the same time, nobody works on two deliveries of one booking.
Index(
    "webhook_events_processing",
    webhook_events.c.booking,
    unique=True,
    sqlite_where=webhook_events.c.state == "processing",
)
Index(
    "webhook_events_dead",
    webhook_events.c.id,
    sqlite_where=webhook_events.c.state == "dead",
)

#: The raw bodies of deliveries, until they are pruned (`upkeep`): replays and audits need exactly
#: what was signed.  Beside the inbox, whose rows are written anew whenever their state changes.
webhook_bodies = Table(
    "webhook_bodies",
    metadata,
    # That of the delivery.
    Column("id", SERIAL, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

#: Our appointments: those we had before Cal.com knew (`ours`) and those made from a booking.
appointments = Table(
    "appointments",
    metadata,
    Column("sequence", SERIAL, primary_key=True, autoincrement=True),
    Column("id", WORDS, nullable=False, unique=True),
    Column("ours", Boolean, nullable=False),
    # The slot we gave an appointment of ours before Cal.com spoke.
    Column("own_start", BigInteger),
    Column("own_end", BigInteger),
    Column("uid", WORDS),
    # As text: a booking id may exceed what the store's integers hold.
    Column("booking_id", WORDS),
    Column("reschedule_uid", WORDS),
    Column("status", String(10), nullable=False),
    Column("start_time", BigInteger),
    Column("end_time", BigInteger),
    Column("rescheduled_from", BigInteger),
    Column("cancellation_reason", WORDS),
    Column("title", WORDS),
    Column("attendees", JSON, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("rescheduled_at", BigInteger),
    Column("cancelled_at", BigInteger),
    sqlite_autoincrement=True,
)

#: What lastingly happened, once per occurrence, and the fact that tells of it: appointments are
#: folded from these.
effects = Table(
    "effects",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("occurrence", KEY, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("uid", WORDS),
    Column("previous_uid", WORDS),
    Column("booking_id", WORDS),
    # The appointment of ours that the booking's metadata named.
    Column("own_id", WORDS),
    # What the booking is known by, a fact without one by itself; and the appointment that it
    # belongs to now.
    Column("booking", NAME, nullable=False),
    Column("appointment_id", WORDS),
    Column("fact", LargeBinary, nullable=False),
)
# Both are like no other before: an entry for each would change a page of its own.
Index("effects_occurrence", effects.c.booking, effects.c.occurrence, unique=True)
_found_by(effects, "appointment_id")
Index("ix_effects_booking_id", effects.c.booking_id)
# Most have neither of these.
for _seldom in ("previous_uid", "own_id"):
    _found_by(effects, _seldom, where=effects.c[_seldom].is_not(None))

#: What administrators are told: one row a dead letter.
notices = Table(
    "notices",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("webhook_id", String(64), nullable=False),
    Column("event_type", WORDS, nullable=False),
    Column("uid", WORDS),
    Column("reason", WORDS, nullable=False),
    Column("at", BigInteger, nullable=False),
    # Empty until it was sent; it is sent again after a crash.
    Column("sent_at", BigInteger),
)
_found_by(notices, "webhook_id", "uid")

#: Failed tries and what operators did, for as long as the payload they were about; see `chronicle`.
chronicle = Table(
    "chronicle",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("webhook_id", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(10), nullable=False),
    # Which try it was, and why it failed.
    Column("tries", Integer),
    Column("reason", WORDS),
)
_found_by(chronicle, "webhook_id")

#: Until when a process has the turn to send notices: one row.
notice_turns = Table(
    "notice_turns",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("until", BigInteger, nullable=False),
)

#: When the store was last written to see whether it can be: one row.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
)

#: Counts and durations per trigger (guide, "Monitoring Dashboard"); see `counts`.
webhook_stats = Table(
    "webhook_stats",
    metadata,
    Column("event_type", KEY, primary_key=True),
    # A row for each connection that counts, so that none waits for another.
    Column("writer", Integer, primary_key=True, autoincrement=False),
    Column("received", COUNT, nullable=False, default=0),
    Column("duplicates", COUNT, nullable=False, default=0),
    Column("done", COUNT, nullable=False, default=0),
    Column("failed", COUNT, nullable=False, default=0),
    Column("dead", COUNT, nullable=False, default=0),
    Column("seconds_total", Float, nullable=False, default=0.0),
    Column("seconds_last", Float, nullable=False, default=0.0),
    # When the last one was, which `seconds_last` is of.
    Column("last_at", BigInteger, nullable=False, default=0),
)
