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

import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reference_impl.facts import Fact

SCHEDULED = "scheduled"
REQUESTED = "requested"
CONFIRMED = "confirmed"
CANCELLED = "cancelled"
REJECTED = "rejected"

#: The guide's fallback reason (`handleBookingCancelled`).
NO_REASON = "Cal.com booking cancelled"

#: How far along a booking each trigger is: the order of facts of the same instant.
_PROGRESS = {
    "BOOKING_PAYMENT_INITIATED": 0,
    "BOOKING_REQUESTED": 1,
    "BOOKING_CREATED": 2,
    "BOOKING_CONFIRMED": 3,
    "BOOKING_PAID": 4,
    "BOOKING_RESCHEDULED": 5,
    "BOOKING_REJECTED": 6,
    "BOOKING_CANCELLED": 7,
}

#: The triggers that introduce a booking, and those that may link it to the one it replaces.
_INTRODUCE = frozenset({"BOOKING_PAYMENT_INITIATED", "BOOKING_REQUESTED", "BOOKING_CREATED"})
_LINK = frozenset({"BOOKING_REQUESTED", "BOOKING_CREATED", "BOOKING_RESCHEDULED"})


@dataclass(frozen=True, slots=True)
class Own:
    """An appointment of ours as it was before Cal.com spoke of it."""

    id: str
    start: int | None = None
    end: int | None = None


@dataclass(slots=True)
class Standing:
    """Where one booking, and with it its appointment, stands."""

    uid: str | None = None
    booking_id: int | None = None
    reschedule_uid: str | None = None
    status: str = SCHEDULED
    start: int | None = None
    end: int | None = None
    rescheduled_from: int | None = None
    reason: str | None = None
    title: str | None = None
    attendees: list[str] = field(default_factory=list)
    seated: bool = False
    confirmed_at: int | None = None
    rescheduled_at: int | None = None
    cancelled_at: int | None = None
    #: Whether nothing that happens to this uid matters any more.
    final: bool = False

    @property
    def live(self) -> bool:
        """Whether somebody still expects to meet."""
        return self.status not in {CANCELLED, REJECTED}


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


class Fold:
    """Folds facts into appointments; heirs may break a rule each."""

    def fold(self, facts: Iterable[Fact], own: Mapping[str, Own]) -> list[Appointment]:
        """The appointments that *facts* add up to, bound to those of our *own* they name."""
        bookings = self._bookings(list(facts))
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
            if self._moves_seat(fact) and fact.previous_uid in bookings:
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
            if fact.uid and (fact.trigger in _INTRODUCE or self._parent(fact, uids))
        }
        introduced |= {parent for fact in facts if (parent := self._parent(fact, uids))}
        homes: dict[int, tuple[bool, int, str]] = {}
        for fact in facts:
            if fact.uid and fact.booking_id is not None:
                # Where nobody introduced the number, the latest uid with it is its home.
                home = (fact.uid in introduced, fact.happened, fact.uid)
                homes[fact.booking_id] = max(home, homes.get(fact.booking_id, home))
        return {
            name: homes[fact.booking_id][-1]
            for fact in facts
            for name in fact.names
            if fact.uid not in introduced and fact.booking_id in homes
        }

    # --- how one booking stands -------------------------------------------------------------

    def order(self, fact: Fact) -> tuple[bool, int, int, str]:
        """
        Where *fact* comes among those of its booking: by when it happened.

        An introduction without a date comes first: it was sent before whatever it introduces,
        however late it arrived.  (Not so for seats, which introduce one person each.)
        """
        undated_start = fact.trigger in _INTRODUCE and not fact.dated and not fact.seats
        return (not undated_start, fact.happened, _PROGRESS.get(fact.trigger, 0), fact.key)

    def _stand(self, booking: _Booking) -> Standing:
        standing = Standing()
        for fact in sorted(booking.facts, key=self.order):
            if self._moves_seat(fact) and fact.uid not in booking.names:
                self.seat_moved(standing, fact)
            elif not self.final(standing):
                self.tell(standing, fact)
        if standing.uid is None:
            standing.uid = next((fact.uid for fact in booking.facts if fact.uid), None)
        if standing.booking_id is None:
            ids = (fact.booking_id for fact in sorted(booking.facts, key=self.order))
            standing.booking_id = next((number for number in ids if number is not None), None)
        return standing

    def final(self, standing: Standing) -> bool:
        """Whether nothing revives this booking."""
        return standing.final

    def tell(self, standing: Standing, fact: Fact) -> None:
        """Let *standing* know of *fact*."""
        if fact.trigger == "BOOKING_CREATED":
            self.created(standing, fact)
        elif fact.trigger == "BOOKING_RESCHEDULED":
            self.rescheduled(standing, fact)
        elif fact.trigger == "BOOKING_CANCELLED":
            self.cancelled(standing, fact)
        elif fact.trigger == "BOOKING_CONFIRMED":
            self.confirmed(standing, fact)
        elif fact.trigger == "BOOKING_REJECTED":
            self.rejected(standing, fact)
        elif fact.trigger == "BOOKING_REQUESTED":
            self.requested(standing, fact)
        elif fact.trigger == "BOOKING_PAID":
            self.paid(standing, fact)
        elif fact.trigger == "BOOKING_PAYMENT_INITIATED":
            self.payment_initiated(standing, fact)

    def created(self, standing: Standing, fact: Fact) -> None:
        """A booking was made, or a host confirmed it: both are BOOKING_CREATED in Cal.com."""
        self.describe(standing, fact)
        standing.status = CONFIRMED
        standing.confirmed_at = fact.happened
        standing.cancelled_at = standing.reason = None
        standing.reschedule_uid = fact.previous_uid or standing.reschedule_uid

    def confirmed(self, standing: Standing, fact: Fact) -> None:
        """The guide's name for the host's confirmation."""
        self.complete(standing, fact)
        standing.status = CONFIRMED
        standing.confirmed_at = fact.happened

    def requested(self, standing: Standing, fact: Fact) -> None:
        """Somebody asked for a slot that the host has to confirm."""
        self.describe(standing, fact)
        if standing.status == SCHEDULED:
            standing.status = REQUESTED
        standing.reschedule_uid = fact.previous_uid or standing.reschedule_uid

    def rescheduled(self, standing: Standing, fact: Fact) -> None:
        """The booking has another slot."""
        before = standing.start
        self.describe(standing, fact)
        standing.rescheduled_from = before if fact.previous_start is None else fact.previous_start
        standing.rescheduled_at = fact.happened
        standing.reschedule_uid = fact.previous_uid or standing.reschedule_uid
        if fact.status == "PENDING":
            standing.status = REQUESTED
        elif fact.status is not None or standing.status != REQUESTED:
            standing.status = CONFIRMED

    def cancelled(self, standing: Standing, fact: Fact) -> None:
        """The booking was called off, or one of its seats was given back."""
        self.complete(standing, fact, people=not fact.seats)
        if fact.seats and fact.attendees:
            self.seats_cancelled(standing, fact)
        else:
            self.end(standing, CANCELLED, fact)

    def seats_cancelled(self, standing: Standing, fact: Fact) -> None:
        """The seats of the listed people were given back; the others stay."""
        standing.seated = True
        self.leave(standing, fact)
        if not standing.attendees:
            # Not final: the next seat of this slot may be booked under the same uid.
            standing.status = CANCELLED
            standing.cancelled_at = fact.happened
            standing.reason = fact.reason or NO_REASON

    def seat_moved(self, standing: Standing, fact: Fact) -> None:
        """The seats of the listed people moved to another booking."""
        self.leave(standing, fact)
        if not standing.attendees and standing.live:
            standing.status = CANCELLED
            standing.cancelled_at = fact.happened

    def leave(self, standing: Standing, fact: Fact) -> None:
        """Remove the listed people."""
        gone = {address.lower() for address in fact.attendees or ()}
        standing.attendees = [
            address for address in standing.attendees if address.lower() not in gone
        ]

    def rejected(self, standing: Standing, fact: Fact) -> None:
        """The host declined."""
        self.complete(standing, fact)
        self.end(standing, REJECTED, fact)

    def paid(self, standing: Standing, fact: Fact) -> None:
        """The charge went through; it confirms unless Cal.com says the host still has to."""
        self.complete(standing, fact)
        if fact.status == "ACCEPTED" and fact.uid is not None:
            standing.status = CONFIRMED
            standing.confirmed_at = standing.confirmed_at or fact.happened

    def payment_initiated(self, standing: Standing, fact: Fact) -> None:
        """A payment began: no confirmation, although Cal.com's status says ACCEPTED by then."""
        self.complete(standing, fact)

    def end(self, standing: Standing, status: str, fact: Fact) -> None:
        """Nothing that happens to this uid matters from here on."""
        standing.status = status
        standing.reason = fact.reason or (NO_REASON if status == CANCELLED else None)
        standing.cancelled_at = fact.happened
        standing.final = True

    def describe(self, standing: Standing, fact: Fact) -> None:
        """Take over what *fact* says about the booking; what it does not say stays."""
        standing.uid = fact.uid or standing.uid
        if fact.booking_id is not None:
            standing.booking_id = fact.booking_id
        standing.title = fact.title or standing.title
        if fact.start is not None:
            if fact.end is not None or fact.start != standing.start:
                standing.end = fact.end
            standing.start = fact.start
        if fact.seats:
            standing.seated = True
            present = {address.lower() for address in standing.attendees}
            standing.attendees += [
                address for address in fact.attendees or () if address.lower() not in present
            ]
        elif fact.attendees:
            standing.attendees = list(fact.attendees)

    def complete(self, standing: Standing, fact: Fact, *, people: bool = True) -> None:
        """Take over what nobody said yet."""
        standing.uid = standing.uid or fact.uid
        standing.title = standing.title or fact.title
        if standing.booking_id is None:
            standing.booking_id = fact.booking_id
        if standing.start is None:
            standing.start, standing.end = fact.start, fact.end
        if people and not standing.attendees:
            standing.attendees = list(fact.attendees or ())

    # --- which bookings are one appointment -------------------------------------------------

    def may_link(self, fact: Fact) -> bool:
        """Whether *fact* may say that its booking replaces another."""
        return fact.trigger in _LINK and fact.previous_uid not in {None, fact.uid}

    def _parent(self, fact: Fact, uids: Iterable[str | None]) -> str | None:
        """The known booking that *fact* says its own replaces."""
        known = self.may_link(fact) and fact.uid is not None and fact.previous_uid in uids
        return fact.previous_uid if known else None

    def _moves_seat(self, fact: Fact) -> bool:
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
                if not self._moves_seat(fact):
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
        standing = dataclasses.replace(group[0].standing)
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
        holders: dict[str, Appointment] = {}
        merged: list[Appointment] = []
        for _, _, id_, position in sorted(claims):
            claimant = appointments[position]
            holder = holders.get(id_)
            if claimant.own_id is not None:
                continue
            if holder is None:
                claimant.own_id = id_
                holders[id_] = claimant
            elif not holder.standing.live:
                # The earlier booking is over: ours goes on with this one.
                claimant.own_id, holder.own_id = id_, None
                claimant.bookings |= holder.bookings
                merged.append(holder)
                holders[id_] = claimant
        for id_, holder in holders.items():
            if holder.standing.start is None:
                holder.standing.start, holder.standing.end = own[id_].start, own[id_].end
        return [one for one in appointments if not any(one is gone for gone in merged)]
