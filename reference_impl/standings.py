"""
How one booking stands: what each trigger changes, and what it must not change.

Pure.  The rules 1, 2 and 6 of `reference_impl.appointments`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

#: The triggers that introduce a booking.
INTRODUCE = frozenset({"BOOKING_PAYMENT_INITIATED", "BOOKING_REQUESTED", "BOOKING_CREATED"})


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


class Standings:
    """Tells standings of facts, a method per trigger; heirs may break a rule each."""

    def order(self, fact: Fact) -> tuple[bool, int, int, str]:
        """
        Where *fact* comes among those of its booking: by when it happened.

        An introduction without a date comes first: it was sent before whatever it introduces,
        however late it arrived.  (Not so for seats, which introduce one person each.)
        """
        undated_start = fact.trigger in INTRODUCE and not fact.dated and not fact.seats
        return (not undated_start, fact.happened, _PROGRESS.get(fact.trigger, 0), fact.key)

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
