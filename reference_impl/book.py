"""
The book of appointments: facts, the appointments that they add up to, and effects.

Everything here happens inside the caller's transaction, so facts, what they change and their
effects are on disk together or not at all.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select, update

from reference_impl import facts as form
from reference_impl.facts import Fact
from reference_impl.ledger import Ledger
from reference_impl.store import add_all, among
from reference_impl.store.locks import lock, several_writers
from reference_impl.tables import appointment_history, effects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from reference_impl.appointments import Own

_history = appointment_history.c

# Statements are built once: making one costs more than executing it.
_KNOWN = select(_history.fact).where(among(_history.occurrence, "occurrences"))
_RELATED = select(_history.fact).where(
    or_(
        among(_history.uid, "uids"),
        among(_history.previous_uid, "children"),
        among(_history.booking_id, "numbers"),
        among(_history.appointment_id, "own"),
    )
)
_BETTER_FACT = (
    update(appointment_history)
    .where(_history.occurrence == bindparam("key"))
    .values({column.name: bindparam(column.name) for column in _history if column.name != "id"})
)


class Book(Ledger):
    """Records facts, and lets appointments and effects follow from them."""

    # --- facts ------------------------------------------------------------------------------

    def record(
        self, connection: Connection, told: Sequence[tuple[Fact, str]], at: int
    ) -> list[bool]:
        """
        Let the book know of what is *told*: facts, each with the kind of its effect.

        A second telling has no second effect.  The earlier of the two is kept, so that it does
        not matter which of them arrived first.

        Returns:
            For each fact, whether its occurrence was not known.
        """
        facts = [fact for fact, _ in told]
        around = self.reserve(connection, facts)
        before = self.known(connection, facts)
        new: list[bool] = []
        learned: dict[str, Fact] = {}
        for fact in facts:
            known = learned.get(fact.key) or before.get(fact.key)
            new.append(known is None)
            if known is None or fact.priority < known.priority:
                learned[fact.key] = fact
        self._keep(connection, learned, before)
        homes: Mapping[str, str] = {}
        if any(fact.names for fact in learned.values()):
            known_now = {fact.key: fact for fact in around} | learned
            homes = self.settle(connection, list(known_now.values()), at)
        self.effect(connection, list(itertools.compress(told, new)), at, homes)
        return new

    def _keep(
        self, connection: Connection, learned: Mapping[str, Fact], before: Mapping[str, Fact]
    ) -> None:
        """Write *learned* down, in place of what was known *before*."""
        fresh = [_row(fact) for key, fact in learned.items() if key not in before]
        add_all(connection, appointment_history, fresh)
        better = [{"key": key, **_row(learned[key])} for key in before if key in learned]
        if better:
            connection.execute(_BETTER_FACT, better)

    def effect(
        self,
        connection: Connection,
        told: Sequence[tuple[Fact, str]],
        at: int,
        homes: Mapping[str, str],
    ) -> None:
        """Record that the occurrences *told* took effect; *homes* says on which appointments."""
        rows = []
        for fact, kind in told:
            booking = fact.names[0] if fact.names else None
            row = {"occurrence": fact.key, "kind": kind, "uid": fact.uid, "booking": booking}
            home = homes.get(booking) if booking else None
            rows.append({**row, "appointment_id": home, "at": at})
        add_all(connection, effects, rows, if_new=True)

    def reserve(self, connection: Connection, told: Sequence[Fact]) -> list[Fact]:
        """
        Keep others from every appointment that *told* may change, until the transaction ends.

        Everything that leads from one fact to another is locked, so whoever learns of one that
        belongs to these has to wait.  What belongs to them is known only once it is locked; when
        that turns out to be more, all is let go and locked again at once, so that no two wait for
        each other.

        Returns:
            What is known around *told*.
        """
        if not several_writers(connection):
            return self.related(connection, told)
        mine = _guarded(told)
        while True:
            attempt = connection.begin_nested()
            lock(connection, mine)
            known = self.related(connection, told)
            around = _guarded(known)
            if around <= mine:
                attempt.commit()
                return known
            attempt.rollback()
            mine |= around

    def known(self, connection: Connection, told: Iterable[Fact]) -> dict[str, Fact]:
        """What is known of the occurrences that *told* tell, by their keys."""
        keys = {"occurrences": list({fact.key for fact in told})}
        found = [form.loads(data) for data in connection.scalars(_KNOWN, keys)]
        return {fact.key: fact for fact in found}

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

    # --- appointments of ours ---------------------------------------------------------------

    def register(self, connection: Connection, own: Own, at: int) -> None:
        """Enter an appointment of ours; bookings that named it before are bound to it at *at*."""
        known = self.reserve(connection, [Fact("", 0, appointment_id=own.id)])
        self.enter(connection, own)
        if known:
            self.settle(connection, known, at)


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
    names = set()
    for fact in told:
        if not fact.names:
            # An occurrence of a booking has the booking's names in its key.
            names.add(f"occurrence {fact.key}")
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
