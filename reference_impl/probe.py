"""
The probe: a read-only look at appointments, deliveries, effects and notices.

Its shape is `schemas/probe.openapi.json`.  Reachable only in a receiver started for testing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, or_, select

from reference_impl.batches import DISCARDED
from reference_impl.instants import spell
from reference_impl.shelves import numbers
from reference_impl.store import rows
from reference_impl.tables import appointments, effects, notices, webhook_events

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import BindParameter, ColumnElement, Connection, ScalarSelect, Select, Table

_events = webhook_events.c
_effects = effects.c

# Statements are built once: making one costs more than executing it.
_UIDS: BindParameter[Any] = bindparam("uids", expanding=True)
# The same uids, as what the shelves are searched for.
_SPINES: BindParameter[Any] = bindparam("spines", expanding=True)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_APPOINTMENTS = select(appointments).where(
    or_(
        appointments.c.id.in_(select(_effects.appointment_id).where(_effects.booking.in_(_UIDS))),
        appointments.c.id.in_(_IDS),
    )
)
_DELIVERIES = select(webhook_events).where(
    _events.id.in_(numbers(webhook_events, _SPINES)), _events.uid.in_(_UIDS)
)
_EFFECTS = select(effects).where(
    or_(_effects.booking.in_(_UIDS), _effects.appointment_id.in_(_IDS))
)
_NOTICES = select(notices).where(notices.c.uid.in_(_UIDS))
_DUE = ((_events.state == "waiting") & (_events.due_at <= bindparam("now"))) | (
    _events.state == "processing"
)


def _counted(table: Table, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


_COUNTS = select(
    _counted(webhook_events, _DUE).label("pending"),
    _counted(appointments).label("appointments"),
    _counted(webhook_events).label("deliveries"),
    _counted(effects).label("effects"),
    _counted(notices).label("notices"),
)


def look(
    connection: Connection, uids: Collection[str], ids: Collection[str], now: int
) -> dict[str, Any]:
    """What there is about the bookings *uids* and the appointments *ids* at the instant *now*."""
    asked: dict[str, Any] = {"uids": list(uids), "ids": list(ids), "now": now}
    asked["spines"] = asked["uids"]
    totals = dict(connection.execute(_COUNTS, asked).mappings().one())
    return {
        "appointments": [
            _appointment(row) for row in _sorted(connection, _APPOINTMENTS, asked, "sequence")
        ],
        "deliveries": [_delivery(row, now) for row in _sorted(connection, _DELIVERIES, asked)],
        "effects": [
            {"kind": row["kind"], "uid": row["uid"], "appointment": row["appointment_id"]}
            for row in _sorted(connection, _EFFECTS, asked)
        ],
        "notices": [
            {
                "delivery": row["webhook_id"],
                "trigger": row["event_type"],
                "uid": row["uid"],
                "reason": row["reason"],
            }
            for row in _sorted(connection, _NOTICES, asked)
        ],
        "pending": totals.pop("pending"),
        "totals": totals,
    }


def _sorted(
    connection: Connection, query: Select[Any], asked: Mapping[str, Any], column: str = "id"
) -> list[dict[str, Any]]:
    return sorted(rows(connection, query, asked), key=lambda row: int(row[column]))


def _appointment(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "uid": row["uid"],
        "bookingId": None if row["booking_id"] is None else int(row["booking_id"]),
        "rescheduleUid": row["reschedule_uid"],
        "status": row["status"],
        "startTime": spell(row["start_time"]),
        "endTime": spell(row["end_time"]),
        "rescheduledFrom": spell(row["rescheduled_from"]),
        "cancellationReason": row["cancellation_reason"],
        "attendees": row["attendees"],
        "title": row["title"],
    }


def _delivery(row: Mapping[str, Any], now: int) -> dict[str, Any]:
    later = row["state"] == "waiting" and row["due_at"] > now
    return {
        "id": row["webhook_id"],
        "trigger": row["event_type"],
        "uid": row["uid"],
        # A dead letter that somebody discarded is one still.
        "state": "dead" if row["state"] == DISCARDED else row["state"],
        "tries": row["tries"],
        "nextTrySeconds": (row["due_at"] - now) / 1_000_000 if later else None,
    }
