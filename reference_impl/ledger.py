"""
The ledger: appointments as rows, brought to the state that facts add up to.

Everything here happens inside the caller's transaction, in a few statements for however many
appointments.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update

from reference_impl.appointments import Appointment, Fold, Own
from reference_impl.standings import SCHEDULED
from reference_impl.store import add_all, among
from reference_impl.tables import appointments, effects

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Executable, RowMapping

    from reference_impl.facts import Fact

_effects = effects.c

#: What never changes of an appointment.
_LASTING = frozenset({"sequence", "id", "ours", "own_start", "own_end"})

# Statements are built once: making one costs more than executing it.
_ROWS = select(appointments).where(among(appointments.c.id, "ids"))
_NEW_APPOINTMENT = appointments.insert()
_CHANGED = (
    update(appointments)
    .where(appointments.c.id == bindparam("row"))
    .values({one.name: bindparam(one.name) for one in appointments.c if one.name not in _LASTING})
)
_GONE = delete(appointments).where(among(appointments.c.id, "ids"))
_MOVED = (
    update(effects)
    .where(_effects.appointment_id == bindparam("former"), _effects.booking == bindparam("name"))
    .values(appointment_id=bindparam("home"))
)


class Ledger:
    """Keeps appointments; *fold* says how they stand."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold

    def enter(self, connection: Connection, own: Own) -> None:
        """Enter an appointment of ours, as if nothing had been said about it."""
        connection.execute(_GONE, {"ids": [own.id]})
        row = {"own_start": own.start, "own_end": own.end, **_blank(own)}
        connection.execute(_NEW_APPOINTMENT, {"id": own.id, "ours": True, **row})

    def settle(
        self,
        connection: Connection,
        known: Sequence[Fact],
        homes: Mapping[str, str],
        at: int,
    ) -> Mapping[str, str]:
        """
        Bring the appointments that *known* are about to the state they add up to at *at*.

        *homes* are the ids of the appointments that bookings of these belonged to so far.

        Returns:
            The id of the appointment of each booking concerned.
        """
        named = {fact.appointment_id for fact in known if fact.appointment_id}
        existing = self._existing(connection, {*homes.values(), *named})
        own = {id_: _own(row) for id_, row in existing.items() if row["ours"]}
        kept: set[str] = set()
        after: dict[str, str] = {}
        made, changed = [], []
        # Those made at one time lie side by side in every index: few pages change for many rows.
        stem = f"cal-{at:013x}{secrets.token_hex(4)}"
        for appointment in self.fold.fold(known, own):
            id_ = self._identify(appointment, homes, existing, kept)
            id_ = id_ or f"{stem}{len(kept):04x}"
            kept.add(id_)
            after.update(dict.fromkeys(appointment.bookings, id_))
            if id_ in existing:
                changed.append({"row": id_, **_row(appointment)})
            else:
                made.append({"id": id_, "ours": False, **_row(appointment)})
        add_all(connection, appointments, made)
        left = [row for id_, row in existing.items() if id_ not in kept]
        # No booking is it any more: a made one goes, one of ours is as before.
        changed += [{"row": row["id"], **_blank(_own(row))} for row in left if row["ours"]]
        _each(connection, _CHANGED, changed)
        gone = [row["id"] for row in left if not row["ours"]]
        if gone:
            connection.execute(_GONE, {"ids": gone})
        self._move(connection, homes, after)
        return after

    def _existing(self, connection: Connection, ids: Collection[str]) -> dict[str, RowMapping]:
        if not ids:
            return {}
        rows = connection.execute(_ROWS, {"ids": list(ids)}).mappings()
        return {row["id"]: row for row in rows}

    def _identify(
        self,
        appointment: Appointment,
        homes: Mapping[str, str],
        existing: Mapping[str, RowMapping],
        kept: set[str],
    ) -> str | None:
        """The id of *appointment*: ours, else the oldest it had; `None` if it is new."""
        if appointment.own_id is not None:
            return appointment.own_id
        former = {homes[name] for name in appointment.bookings if name in homes} - kept
        rows = [existing[id_] for id_ in former if id_ in existing and not existing[id_]["ours"]]
        return str(min(rows, key=lambda row: row["sequence"])["id"]) if rows else None

    def _move(
        self, connection: Connection, before: Mapping[str, str], after: Mapping[str, str]
    ) -> None:
        """Make bookings that belong to other appointments now than *before* theirs."""
        moved = [
            {"name": name, "former": id_, "home": after[name]}
            for name, id_ in before.items()
            if after.get(name, id_) != id_
        ]
        _each(connection, _MOVED, moved)


def _each(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute *statement* for each of *rows*, if there are any."""
    if rows:
        connection.execute(statement, rows)


def _own(row: RowMapping) -> Own:
    return Own(row["id"], row["own_start"], row["own_end"])


def _row(appointment: Appointment) -> dict[str, Any]:
    standing = appointment.standing
    number = standing.booking_id
    return {
        "uid": standing.uid,
        "booking_id": None if number is None else str(number),
        "reschedule_uid": standing.reschedule_uid,
        "status": standing.status,
        "start_time": standing.start,
        "end_time": standing.end,
        "rescheduled_from": standing.rescheduled_from,
        "cancellation_reason": standing.reason,
        "title": standing.title,
        "attendees": standing.attendees,
        "confirmed_at": standing.confirmed_at,
        "rescheduled_at": standing.rescheduled_at,
        "cancelled_at": standing.cancelled_at,
    }


def _blank(own: Own) -> dict[str, Any]:
    """How an appointment of ours stands while no booking is known for it."""
    names = ("uid", "booking_id", "reschedule_uid", "rescheduled_from", "cancellation_reason")
    times = ("title", "confirmed_at", "rescheduled_at", "cancelled_at")
    return {
        **dict.fromkeys((*names, *times)),
        "status": SCHEDULED,
        "start_time": own.start,
        "end_time": own.end,
        "attendees": [],
    }
