"""
The book of appointments: facts, the appointments folded from them, and effects.

Everything here happens inside the caller's transaction, so a fact, what it changes and its effect
are on disk together or not at all.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, or_, select, update

from reference_impl import facts as form
from reference_impl.appointments import Appointment, Fold, Own
from reference_impl.columns import short
from reference_impl.facts import Fact
from reference_impl.standings import SCHEDULED
from reference_impl.store import insert_new
from reference_impl.store.locks import lock, several_writers
from reference_impl.tables import (
    appointment_bookings,
    appointment_history,
    appointments,
    effects,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, RowMapping


_history = appointment_history.c
_home = appointment_bookings.c

# Statements are built once: making one costs more than executing it.
_KNOWN = select(_history.fact).where(_history.occurrence == bindparam("occurrence"))
_RELATED = select(_history.fact).where(
    or_(
        _history.uid.in_(bindparam("uids", expanding=True)),
        _history.previous_uid.in_(bindparam("children", expanding=True)),
        _history.booking_id.in_(bindparam("numbers", expanding=True)),
        _history.appointment_id.in_(bindparam("own", expanding=True)),
    )
)
_HOMES = select(_home.booking, _home.appointment_id).where(
    _home.booking.in_(bindparam("names", expanding=True))
)
_ROWS = select(appointments).where(appointments.c.id.in_(bindparam("ids", expanding=True)))
_NEW_FACT = appointment_history.insert()
_NEW_APPOINTMENT = appointments.insert()
_NEW_HOME = appointment_bookings.insert()
_NEW_EFFECT = insert_new(effects)


class Book:
    """Records facts; *fold* says what they add up to."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold

    # --- facts ------------------------------------------------------------------------------

    def record(self, connection: Connection, fact: Fact, kind: str, at: int) -> bool:
        """
        Let the book know of *fact*: `True` when its occurrence was not known.

        A second telling has no second effect.  The earlier of the two is kept, so that it does
        not matter which of them arrived first.
        """
        self.reserve(connection, [fact])
        known = self.known(connection, fact)
        if known is None:
            connection.execute(_NEW_FACT, _row(fact))
        elif fact.priority < known.priority:
            changed = update(appointment_history).where(_history.occurrence == fact.key)
            connection.execute(changed.values(_row(fact)))
        else:
            return False
        homes: Mapping[str, str] = {}
        if fact.names:
            homes = self.settle(connection, self.related(connection, [fact]))
        if known is None:
            self.effect(connection, fact, kind, at, homes)
        return known is None

    def reserve(self, connection: Connection, told: Sequence[Fact]) -> None:
        """
        Keep others from every appointment that *told* may change, until the transaction ends.

        Everything that leads from one fact to another is locked, so whoever learns of one that
        belongs to these has to wait.  What belongs to them is known only once it is locked; when
        that turns out to be more, all is let go and locked again at once, so that no two wait for
        each other.
        """
        if not several_writers(connection):
            return
        mine = _guarded(told)
        while True:
            attempt = connection.begin_nested()
            lock(connection, mine)
            around = _guarded(self.related(connection, told))
            if around <= mine:
                attempt.commit()
                return
            attempt.rollback()
            mine |= around

    def known(self, connection: Connection, fact: Fact) -> Fact | None:
        """What is known of the occurrence that *fact* tells."""
        data = connection.scalar(_KNOWN, {"occurrence": fact.key})
        return None if data is None else form.loads(data)

    def effect(
        self, connection: Connection, fact: Fact, kind: str, at: int, homes: Mapping[str, str]
    ) -> None:
        """Record that the occurrence of *fact* took effect; *homes* says on which appointment."""
        booking = fact.names[0] if fact.names else None
        row = {
            "occurrence": fact.key,
            "kind": kind,
            "uid": fact.uid,
            "booking": booking,
            "appointment_id": homes.get(booking) if booking else None,
            "at": at,
        }
        connection.execute(_NEW_EFFECT, row)

    def related(self, connection: Connection, told: Iterable[Fact]) -> list[Fact]:
        """Every fact that may belong to an appointment of those in *told*."""
        known: dict[str, Fact] = {}
        asked: set[tuple[str, str]] = set()
        fresh = list(told)
        while fresh:
            asking = {query for fact in fresh for query in _queries(fact)} - asked
            if not asking:
                break
            asked |= asking
            values = {
                kind: [value for asked_kind, value in asking if asked_kind == kind]
                for kind in ("uids", "children", "numbers", "own")
            }
            found = [form.loads(data) for data in connection.scalars(_RELATED, values)]
            fresh = [fact for fact in found if fact.key not in known]
            known.update((fact.key, fact) for fact in fresh)
        return list(known.values())

    # --- appointments -----------------------------------------------------------------------

    def register(self, connection: Connection, own: Own) -> None:
        """Enter an appointment of ours; bookings that named it before are bound to it now."""
        naming = Fact("", 0, appointment_id=own.id)
        self.reserve(connection, [naming])
        row = {"own_start": own.start, "own_end": own.end, **_blank(own)}
        connection.execute(delete(appointments).where(appointments.c.id == own.id))
        connection.execute(_NEW_APPOINTMENT, {"id": own.id, "ours": True, **row})
        known = self.related(connection, [naming])
        if known:
            self.settle(connection, known)

    def settle(self, connection: Connection, known: Sequence[Fact]) -> Mapping[str, str]:
        """
        Bring the appointments that *known* are about to the state they add up to.

        Returns:
            The id of the appointment of each booking concerned.
        """
        named = {fact.appointment_id for fact in known if fact.appointment_id}
        names = {name for fact in known for name in fact.names}
        found = connection.execute(_HOMES, {"names": list(names)})
        kept_as = {short(name): name for name in names}
        homes = {kept_as.get(row.booking, row.booking): row.appointment_id for row in found}
        ids = {*homes.values(), *named}
        existing = {}
        if ids:
            rows = connection.execute(_ROWS, {"ids": list(ids)}).mappings()
            existing = {row["id"]: row for row in rows}
        own = {
            id_: Own(id_, row["own_start"], row["own_end"])
            for id_, row in existing.items()
            if row["ours"]
        }
        kept: set[str] = set()
        after: dict[str, str] = {}
        for appointment in self.fold.fold(known, own):
            id_ = self._identify(appointment, homes, existing, kept)
            kept.add(id_)
            self._write(connection, id_, appointment, new=id_ not in existing)
            self._claim(connection, id_, appointment.bookings, homes)
            after.update(dict.fromkeys(appointment.bookings, id_))
        for id_, row in existing.items():
            if id_ not in kept:
                self._let_go(connection, row)
        return after

    def _identify(
        self,
        appointment: Appointment,
        homes: Mapping[str, str],
        existing: Mapping[str, RowMapping],
        kept: set[str],
    ) -> str:
        """The id of *appointment*: ours, else the oldest it had, else a new one."""
        if appointment.own_id is not None:
            return appointment.own_id
        former = {homes[name] for name in appointment.bookings if name in homes} - kept
        rows = [existing[id_] for id_ in former if id_ in existing and not existing[id_]["ours"]]
        if rows:
            return str(min(rows, key=lambda row: row["sequence"])["id"])
        return f"cal-{secrets.token_hex(8)}"

    def _write(
        self, connection: Connection, id_: str, appointment: Appointment, *, new: bool
    ) -> None:
        standing = appointment.standing
        number = standing.booking_id
        values = {
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
        if new:
            connection.execute(_NEW_APPOINTMENT, {"id": id_, "ours": False, **values})
        else:
            connection.execute(update(appointments).where(appointments.c.id == id_).values(values))

    def _claim(
        self, connection: Connection, id_: str, names: Iterable[str], homes: Mapping[str, str]
    ) -> None:
        """Make *names* and their effects those of the appointment *id_*."""
        for name in names:
            if name not in homes:
                connection.execute(_NEW_HOME, {"booking": name, "appointment_id": id_})
            elif homes[name] != id_:
                moved = update(appointment_bookings).where(_home.booking == name)
                connection.execute(moved.values(appointment_id=id_))
                told = update(effects).where(effects.c.booking == name)
                connection.execute(told.values(appointment_id=id_))

    def _let_go(self, connection: Connection, row: RowMapping) -> None:
        """No booking is this appointment any more: a made one goes, one of ours is as before."""
        if row["ours"]:
            own = Own(row["id"], row["own_start"], row["own_end"])
            changed = update(appointments).where(appointments.c.id == own.id)
            connection.execute(changed.values(_blank(own)))
        else:
            connection.execute(delete(appointments).where(appointments.c.id == row["id"]))


def _queries(fact: Fact) -> Iterable[tuple[str, str]]:
    """What leads from *fact* to others that may be about the same appointment."""
    if fact.uid:
        yield "uids", fact.uid
        yield "children", fact.uid
    if fact.previous_uid:
        # Not "children": two bookings may name one that nobody knows, and have nothing in common.
        yield "uids", fact.previous_uid
    if fact.booking_id is not None:
        yield "numbers", str(fact.booking_id)
    if fact.appointment_id:
        yield "own", fact.appointment_id


def _guarded(told: Iterable[Fact]) -> set[str]:
    """The names by which *told* and what belongs to it are kept from others."""
    names = {f"occurrence {fact.key}" for fact in told}
    for fact in told:
        names |= {f"uid {uid}" for uid in (fact.uid, fact.previous_uid) if uid}
        if fact.booking_id is not None:
            names.add(f"id {fact.booking_id}")
        if fact.appointment_id:
            names.add(f"own {fact.appointment_id}")
    return names


def _row(fact: Fact) -> dict[str, Any]:
    return {
        "occurrence": fact.key,
        "uid": fact.uid,
        "previous_uid": fact.previous_uid,
        "booking_id": None if fact.booking_id is None else str(fact.booking_id),
        "appointment_id": fact.appointment_id,
        "fact": form.dumps(fact),
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
