"""The tables of the receiver.  Instants are microseconds since 1970; see `instants`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

#: A key counted up by the store; SQLite counts only columns it knows as INTEGER.
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

#: The inbox, which is also the queue: one row a delivery, kept when it is done, and its payload
#: until it is pruned (`upkeep`).
webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("webhook_id", String(64), nullable=False, unique=True),
    Column("event_type", Text, nullable=False),
    Column("uid", Text),
    # As text: a booking id may exceed what the store's integers hold.
    Column("booking_id", Text),
    # The raw body: replays and audits need exactly what was signed.
    Column("payload", LargeBinary, nullable=False),
    Column("queue", Text, nullable=False),
    # Whose turn is whose: deliveries of one booking are worked on one at a time.
    Column("booking", Text, nullable=False),
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
    Column("reason", Text),
    Column("received_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    sqlite_autoincrement=True,
)
Index("webhook_events_uid", webhook_events.c.uid)
Index("webhook_events_booking_id", webhook_events.c.booking_id)
Index(
    "webhook_events_waiting",
    webhook_events.c.queue,
    webhook_events.c.rank,
    sqlite_where=webhook_events.c.state == "waiting",
)
Index(
    "webhook_events_processing",
    webhook_events.c.booking,
    sqlite_where=webhook_events.c.state == "processing",
)
Index(
    "webhook_events_dead",
    webhook_events.c.id,
    sqlite_where=webhook_events.c.state == "dead",
)

#: Our appointments: those we had before Cal.com knew (`ours`) and those made from a booking.
appointments = Table(
    "appointments",
    metadata,
    Column("sequence", _SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("ours", Boolean, nullable=False),
    # The slot we gave an appointment of ours before Cal.com spoke.
    Column("own_start", BigInteger),
    Column("own_end", BigInteger),
    Column("uid", Text),
    # As text: a booking id may exceed what the store's integers hold.
    Column("booking_id", Text),
    Column("reschedule_uid", Text),
    Column("status", String(10), nullable=False),
    Column("start_time", BigInteger),
    Column("end_time", BigInteger),
    Column("rescheduled_from", BigInteger),
    Column("cancellation_reason", Text),
    Column("title", Text),
    Column("attendees", JSON, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("rescheduled_at", BigInteger),
    Column("cancelled_at", BigInteger),
    sqlite_autoincrement=True,
)

#: Which appointment a booking belongs to, by its current and every former uid.
appointment_bookings = Table(
    "appointment_bookings",
    metadata,
    Column("booking", Text, primary_key=True),
    Column("appointment_id", Text, nullable=False, index=True),
)

#: The facts known about bookings, one row an occurrence; appointments are folded from them.
appointment_history = Table(
    "appointment_history",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("occurrence", Text, nullable=False, unique=True),
    Column("uid", Text, index=True),
    Column("previous_uid", Text, index=True),
    Column("booking_id", Text, index=True),
    Column("appointment_id", Text, index=True),
    Column("fact", LargeBinary, nullable=False),
)

#: What lastingly happened, once per occurrence.
effects = Table(
    "effects",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("occurrence", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("uid", Text, index=True),
    Column("booking", Text, index=True),
    Column("appointment_id", Text, index=True),
    Column("at", BigInteger, nullable=False),
)

#: What administrators are told: one row a dead letter.
notices = Table(
    "notices",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("webhook_id", String(64), nullable=False, index=True),
    Column("event_type", Text, nullable=False),
    Column("uid", Text, index=True),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    # Empty until it was sent; it is sent again after a crash.
    Column("sent_at", BigInteger),
)

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

#: Counts and durations per trigger (guide, "Monitoring Dashboard").
webhook_stats = Table(
    "webhook_stats",
    metadata,
    Column("event_type", Text, primary_key=True),
    Column("received", Integer, nullable=False, default=0),
    Column("duplicates", Integer, nullable=False, default=0),
    Column("done", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
    Column("dead", Integer, nullable=False, default=0),
    Column("seconds_total", Float, nullable=False, default=0.0),
    Column("seconds_last", Float, nullable=False, default=0.0),
)
