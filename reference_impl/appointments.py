"""
The state of appointments as a function of the facts known about their bookings.

Pure: facts in, appointments out; no I/O and no memory.  The state is folded anew from all facts
whenever one more is known, so every order of arrival ends in the same state by construction.

The rules:

1. Facts are ordered by when they happened, not by when they arrived; at the same instant the more
   final one comes last.
2. Cancelled and rejected are final for a uid: nothing revives it.
3. A reschedule in Cal.com is a new uid that names the old one (`rescheduleUid`): the appointment
   goes on under the new uid, and what happens to the old uid no longer concerns it.
4. In the guide's dialect the uid stays and `rescheduleUid` names no other booking.
5. Bookings belong together by uid, by such a link, or, for facts about a uid nobody introduced,
   by booking id.  Never by person.
6. A seat is one attendee of a booking: its cancellation removes that attendee only.
7. An appointment of ours is bound to the first booking that names it, and to a later one only
   when that booking is over.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reference_impl.standings import INTRODUCE, Standing, Standings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reference_impl.facts import Fact

#: The triggers that may link a booking to the one it replaces.
_LINK = frozenset({"BOOKING_REQUESTED", "BOOKING_CREATED", "BOOKING_RESCHEDULED"})


@dataclass(frozen=True, slots=True)
class Own:
    """An appointment of ours as it was before Cal.com spoke of it."""

    id: str
    start: int | None = None
    end: int | None = None


@dataclass(slots=True)
class Appointment:
    """One appointment: how it stands and every booking it is or was known by."""

    standing: Standing
    #: The names of its bookings, current and former (`Fact.names`).
    bookings: frozenset[str]
    #: The id of the appointment of ours it is bound to.
    own_id: str | None = None


@dataclass(slots=True)
class _Booking:
    """The facts of one booking and what became of it."""

    name: str
    facts: list[Fact]
    names: set[str]
    standing: Standing = field(default_factory=Standing)

    @property
    def last(self) -> tuple[int, str]:
        return max((fact.happened, self.name) for fact in self.facts)


class Fold(Standings):
    """Folds facts into appointments; heirs may break a rule each."""

    def fold(self, facts: Iterable[Fact], own: Mapping[str, Own]) -> list[Appointment]:
        """The appointments that *facts* add up to, bound to those of our *own* they name."""
        # A form may name a booking, yet says nothing about it.
        bookings = self._bookings([fact for fact in facts if fact.names])
        for booking in bookings.values():
            booking.standing = self._stand(booking)
        appointments, claims = [], []
        for group in self._groups(bookings):
            standing = self._settle(group)
            names = frozenset(name for booking in group for name in booking.names)
            appointments.append(Appointment(standing, names))
            claims.append([fact for booking in group for fact in booking.facts])
        return self.bind(appointments, claims, own)

    # --- which facts are about which booking ------------------------------------------------

    def _bookings(self, facts: Sequence[Fact]) -> dict[str, _Booking]:
        aliases = self.aliases(facts)
        bookings: dict[str, _Booking] = {}
        for fact in facts:
            for given in fact.names:
                name = aliases.get(given, given)
                booking = bookings.setdefault(name, _Booking(name, [], set()))
                booking.facts.append(fact)
                booking.names.add(given)
        for fact in facts:
            # A seat that moved away leaves its old booking.
            if self.moves_seat(fact) and fact.previous_uid in bookings:
                bookings[fact.previous_uid].facts.append(fact)
        return bookings

    def aliases(self, facts: Sequence[Fact]) -> dict[str, str]:
        """
        By which name a booking is known, for names that nobody introduced.

        A booking is introduced by being created, requested or linked to one that is known.  Any
        other name is the booking of the same number, where there is one.
        """
        uids = {fact.uid for fact in facts}
        introduced = {
            fact.uid
            for fact in facts
            if fact.uid and (fact.trigger in INTRODUCE or self._parent(fact, uids))
        }
        introduced |= {parent for fact in facts if (parent := self._parent(fact, uids))}
        homes: dict[int, tuple[bool, int, str]] = {}
        for fact in facts:
            if fact.uid and fact.booking_id is not None:
                # Where nobody introduced the number, the latest uid with it is its home.
                home = (fact.uid in introduced, fact.happened, fact.uid)
                homes[fact.booking_id] = max(home, homes.get(fact.booking_id, home))
        found: dict[str, tuple[bool, int, str]] = {}
        for fact in facts:
            if fact.uid not in introduced and fact.booking_id in homes:
                # Of a name with several numbers: the one home, whichever fact comes last.
                home = homes[fact.booking_id]
                found |= {name: max(home, found.get(name, home)) for name in fact.names}
        return {name: home[-1] for name, home in found.items()}

    # --- how one booking stands -------------------------------------------------------------

    def _stand(self, booking: _Booking) -> Standing:
        standing = Standing()
        for fact in sorted(booking.facts, key=self.order):
            if self.moves_seat(fact) and fact.uid not in booking.names:
                self.seat_moved(standing, fact)
            elif not self.final(standing):
                self.tell(standing, fact)
        if standing.uid is None:
            standing.uid = next((fact.uid for fact in booking.facts if fact.uid), None)
        if standing.booking_id is None:
            ids = (fact.booking_id for fact in sorted(booking.facts, key=self.order))
            standing.booking_id = next((number for number in ids if number is not None), None)
        return standing

    # --- which bookings are one appointment -------------------------------------------------

    def may_link(self, fact: Fact) -> bool:
        """Whether *fact* may say that its booking replaces another."""
        return fact.trigger in _LINK and fact.previous_uid not in {None, fact.uid}

    def _parent(self, fact: Fact, uids: Iterable[str | None]) -> str | None:
        """The known booking that *fact* says its own replaces."""
        known = self.may_link(fact) and fact.uid is not None and fact.previous_uid in uids
        return fact.previous_uid if known else None

    def moves_seat(self, fact: Fact) -> bool:
        """Whether *fact* moves single seats to another booking, not the booking itself."""
        return bool(fact.seats and fact.seat_id and fact.previous_uid) and (
            fact.trigger == "BOOKING_RESCHEDULED" and fact.previous_uid != fact.uid
        )

    def _links(self, bookings: Mapping[str, _Booking]) -> Iterator[tuple[str, str]]:
        """Pairs of a booking and the one that replaced it."""
        movers: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for name, booking in bookings.items():
            for fact in booking.facts:
                parent = self._parent(fact, bookings)
                if parent is None or parent == name or fact.uid not in booking.names:
                    continue
                if not self.moves_seat(fact):
                    yield parent, name
                elif not bookings[parent].standing.attendees:
                    movers[parent].append((fact.happened, name))
        for parent, candidates in movers.items():
            # Everybody moved away, maybe to different slots: the last one takes the history.
            yield parent, max(candidates)[1]

    def _groups(self, bookings: dict[str, _Booking]) -> list[list[_Booking]]:
        """The bookings of each appointment; the first of each is the current one."""
        root = {name: name for name in bookings}

        def find(name: str) -> str:
            while root[name] != name:
                root[name] = root[root[name]]
                name = root[name]
            return name

        replaced = set()
        for parent, child in self._links(bookings):
            root[find(child)] = find(parent)
            replaced.add(parent)
        groups: dict[str, list[_Booking]] = defaultdict(list)
        for name in sorted(bookings):
            groups[find(name)].append(bookings[name])
        return [self.head(group, replaced) for group in groups.values()]

    def head(self, group: list[_Booking], replaced: set[str]) -> list[_Booking]:
        """
        *group* with its current booking first: the one that nothing replaced.

        Of several such (two reschedules of one booking raced) a live one, then the latest.
        """
        leaves = [booking for booking in group if booking.name not in replaced] or group
        head = max(leaves, key=lambda booking: (booking.standing.live, *booking.last))
        rest = [booking for booking in group if booking is not head]
        rest.sort(key=lambda booking: booking.last, reverse=True)
        return [head, *rest]

    def _settle(self, group: list[_Booking]) -> Standing:
        """How the appointment of *group* stands: its current booking, completed by the others."""
        standing = group[0].standing
        for booking in group[1:]:
            former = booking.standing
            standing.title = standing.title or former.title
            if not standing.seated:
                standing.attendees = standing.attendees or former.attendees
            if standing.reschedule_uid in booking.names and standing.rescheduled_from is None:
                standing.rescheduled_from = former.start
            if standing.start is None:
                standing.start, standing.end = former.start, former.end
        return standing

    # --- which appointment of ours it is ----------------------------------------------------

    def bind(
        self,
        appointments: Sequence[Appointment],
        facts: Sequence[Sequence[Fact]],
        own: Mapping[str, Own],
    ) -> list[Appointment]:
        """*appointments*, bound to those of our *own* that their *facts* name, if they may."""
        claims: list[tuple[int, int, str, int]] = []
        for position, told in enumerate(facts):
            named = {fact.appointment_id for fact in told if fact.appointment_id in own}
            claims.extend(
                (min(f.happened for f in told if f.appointment_id == id_), position, id_, position)
                for id_ in named
                if id_ is not None
            )
        holders: dict[str, int] = {}
        gone: set[int] = set()
        for _, _, id_, position in sorted(claims):
            claimant = appointments[position]
            # What went on under another booking claims nothing of its own.
            if claimant.own_id is not None or position in gone:
                continue
            if id_ in holders:
                holder = appointments[holders[id_]]
                if holder.standing.live:
                    continue
                # The earlier booking is over: ours goes on with this one.
                holder.own_id = None
                claimant.bookings |= holder.bookings
                gone.add(holders[id_])
            claimant.own_id = id_
            holders[id_] = position
        for id_, position in holders.items():
            standing = appointments[position].standing
            if standing.start is None:
                standing.start, standing.end = own[id_].start, own[id_].end
        return [one for position, one in enumerate(appointments) if position not in gone]
