"""
The probe: a read-only look at appointments, deliveries, effects and notices.

Its shape is `schemas/probe.openapi.json`.  Reachable only in a receiver started for testing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from reference_impl.instants import spell
from reference_impl.store import rows
from reference_impl.tables import (
    appointment_bookings,
    appointments,
    effects,
    notices,
    webhook_events,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

_events = webhook_events.c


def look(
    connection: Connection, uids: Collection[str], ids: Collection[str], now: int
) -> dict[str, Any]:
    """What there is about the bookings *uids* and the appointments *ids* at the instant *now*."""
    home = appointment_bookings.c
    by_uid = select(home.appointment_id).where(home.booking.in_(uids))
    found = select(appointments).where(
        or_(appointments.c.id.in_(by_uid), appointments.c.id.in_(ids))
    )
    told = select(effects).where(or_(effects.c.uid.in_(uids), effects.c.appointment_id.in_(ids)))
    due = ((_events.state == "waiting") & (_events.due_at <= now)) | (_events.state == "processing")
    tables = {
        "appointments": appointments,
        "deliveries": webhook_events,
        "effects": effects,
        "notices": notices,
    }
    return {
        "appointments": [_appointment(row) for row in _sorted(connection, found, "sequence")],
        "deliveries": [
            _delivery(row, now)
            for row in _sorted(connection, select(webhook_events).where(_events.uid.in_(uids)))
        ],
        "effects": [
            {"kind": row["kind"], "uid": row["uid"], "appointment": row["appointment_id"]}
            for row in _sorted(connection, told)
        ],
        "notices": [
            {
                "delivery": row["webhook_id"],
                "trigger": row["event_type"],
                "uid": row["uid"],
                "reason": row["reason"],
            }
            for row in _sorted(connection, select(notices).where(notices.c.uid.in_(uids)))
        ],
        "pending": connection.scalar(select(func.count()).select_from(webhook_events).where(due)),
        "totals": {
            name: connection.scalar(select(func.count()).select_from(table))
            for name, table in tables.items()
        },
    }


def _sorted(connection: Connection, query: Any, column: str = "id") -> list[dict[str, Any]]:
    return sorted(rows(connection, query), key=lambda row: int(row[column]))


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
        "state": row["state"],
        "tries": row["tries"],
        "nextTrySeconds": (row["due_at"] - now) / 1_000_000 if later else None,
    }
