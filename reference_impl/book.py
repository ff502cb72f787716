"""
The book of appointments: effects, the facts that they come of, and what these add up to.

Everything here happens inside the caller's transaction, so an effect, its fact and what that
changes are on disk together or not at all.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select, update

from reference_impl import facts as form
from reference_impl.facts import Fact
from reference_impl.ledger import Ledger
from reference_impl.store import add_all, among
from reference_impl.store.locks import lock, several_writers
from reference_impl.tables import effects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from reference_impl.appointments import Own

_effects = effects.c

#: A fact, and what it is found by.
_TOLD = ("uid", "previous_uid", "booking_id", "own_id", "fact")

# Statements are built once: making one costs more than executing it.
_RELATED = (
    select(_effects.fact, _effects.appointment_id)
    .where(
        or_(
            among(_effects.booking, "bookings"),
            among(_effects.previous_uid, "children"),
            among(_effects.booking_id, "numbers"),
            among(_effects.own_id, "own"),
        )
    )
    .execution_options(in_binary=True)
)
_QUERIES = ("bookings", "children", "numbers", "own")
_BETTER_FACT = (
    update(effects)
    .where(_effects.booking == bindparam("name"), _effects.occurrence == bindparam("key"))
    .values({name: bindparam(name) for name in _TOLD})
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the book knows: facts by their keys, and the appointments that bookings belong to."""

    facts: dict[str, Fact] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)


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
        new: list[bool] = []
        learned: dict[str, Fact] = {}
        for fact in facts:
            known = learned.get(fact.key) or around.facts.get(fact.key)
            new.append(known is None)
            if known is None or fact.priority < known.priority:
                learned[fact.key] = fact
        homes: Mapping[str, str] = {}
        if any(fact.names for fact in learned.values()):
            known_now = around.facts | learned
            homes = self.settle(connection, list(known_now.values()), around.homes, at)
        better = [
            {"name": _booking(fact), "key": key, **_told(fact)}
            for key, fact in learned.items()
            if key in around.facts
        ]
        if better:
            connection.execute(_BETTER_FACT, better)
        fresh = [(learned[fact.key], kind) for fact, kind in itertools.compress(told, new)]
        self.effect(connection, fresh, at, homes)
        return new

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
            rows.append(
                {
                    "occurrence": fact.key,
                    "kind": kind,
                    "at": at,
                    "booking": _booking(fact),
                    "appointment_id": homes.get(fact.names[0]) if fact.names else None,
                    **_told(fact),
                }
            )
        add_all(connection, effects, rows)

    def reserve(self, connection: Connection, told: Sequence[Fact]) -> Known:
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
            around = _guarded(known.facts.values())
            if around <= mine:
                attempt.commit()
                return known
            attempt.rollback()
            mine |= around

    def related(self, connection: Connection, told: Iterable[Fact]) -> Known:
        """Everything that may belong to an appointment of those in *told*, themselves included."""
        known = Known()
        fresh = list(told)
        asked: set[tuple[str, str]] = set()
        asking = {("bookings", _booking(fact)) for fact in fresh if fact.key}
        while asking := asking.union(*map(_queries, fresh)) - asked:
            asked |= asking
            values: dict[str, list[str]] = {kind: [] for kind in _QUERIES}
            for kind, value in asking:
                values[kind].append(value)
            fresh = []
            for data, home in connection.execute(_RELATED, values):
                fact = form.loads(data)
                if fact.key not in known.facts:
                    known.facts[fact.key] = fact
                    fresh.append(fact)
                if home is not None:
                    known.homes[fact.names[0]] = home
        return known

    # --- appointments of ours ---------------------------------------------------------------

    def register(self, connection: Connection, own: Own, at: int) -> None:
        """Enter an appointment of ours; bookings that named it before are bound to it at *at*."""
        known = self.reserve(connection, [Fact("", 0, appointment_id=own.id)])
        self.enter(connection, own)
        if known.facts:
            self.settle(connection, list(known.facts.values()), known.homes, at)


def _booking(fact: Fact) -> str:
    """What *fact* is found by, and every other telling of its occurrence: its booking or itself."""
    if fact.uid is not None:
        return fact.uid
    return fact.names[0] if fact.names else fact.key


def _queries(fact: Fact) -> Iterable[tuple[str, str]]:
    """What leads from *fact* to others that may be about the same appointment."""
    if fact.uid:
        yield "bookings", fact.uid
        yield "children", fact.uid
    if fact.previous_uid:
        # Not "children": two bookings may name one that nobody knows, and have nothing in common.
        yield "bookings", fact.previous_uid
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


def _told(fact: Fact) -> dict[str, Any]:
    return {
        "uid": fact.uid,
        "previous_uid": fact.previous_uid,
        "booking_id": None if fact.booking_id is None else str(fact.booking_id),
        "own_id": fact.appointment_id,
        "fact": form.dumps(fact),
    }
