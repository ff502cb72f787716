"""
One Cal.com account and what happens in it.

`Calendar` is the actor: each action takes the instant at which it happens and gives the occurrences
that Cal.com announces for it, in Cal.com's order.  The rules of which action announces what are
those of Cal.com's handlers; where the guide's dialect differs, it says so.  Pure: people, ids and
times come in from outside.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from mock_calcom import samples, triggers
from mock_calcom.bookings import Booking, EventType, Question
from mock_calcom.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_calcom.occurrences import Occurrence

#: Cal.com writes the weekly rhythm of a series as 2 (rrule's constant).
_WEEKLY = 2


class Calendar(Surroundings):
    """Plays one Cal.com account: a host, what can be booked, and who books it."""

    # --- booking ---------------------------------------------------------------------------------

    def book(
        self,
        at: dt.datetime,
        *,
        start: dt.datetime | None = None,
        minutes: int = 30,
        needs_confirmation: bool = False,
        price: int = 0,
        guests: int = 1,
        metadata: Mapping[str, str] | None = None,
        notes: str | None = None,
        seats: int | None = None,
        answers: Mapping[str, Any] | None = None,
        kind: EventType | None = None,
    ) -> list[Occurrence]:
        """
        Somebody books: CREATED, REQUESTED if the host must agree, PAYMENT_INITIATED if it costs.

        Args:
            at: when it happens.
            start: when the meeting begins; a free slot of the coming weeks if not given.
            minutes: how long it lasts.
            needs_confirmation: whether the host must agree first.
            price: in the currency's minor unit; 0 is free.
            guests: how many take part besides the host, the booker included.
            metadata: the caller's own keys.
            notes: what the booker writes to the host.
            seats: how many seats the slot has, if strangers share it.
            answers: the host's own questions (by slug) and their answers.
            kind: the event type, if it is to be a certain one.
        """
        kind = kind or self.event_type(minutes, needs_confirmation=needs_confirmation)
        pending = kind.requires_confirmation or price > 0
        booking = self._placed(at, kind, start or self.free_slot(at), minutes, guests)
        booking = dataclasses.replace(
            booking,
            status="PENDING" if pending else "ACCEPTED",
            metadata=self._metadata(metadata),
            notes=notes,
            questions=tuple(
                Question(slug, slug.replace("-", " ").capitalize(), value)
                for slug, value in (answers or {}).items()
            ),
            price=price,
            currency="eur" if price else "usd",
            payment_id=self.ids.booking_id() if price else None,
            seats_per_slot=seats,
            seat_id=self.ids.uuid() if seats else None,
            one_time_password=self.ids.uuid() if kind.requires_confirmation else None,
        )
        if price:
            return self._say("BOOKING_PAYMENT_INITIATED", at, booking)
        if kind.requires_confirmation:
            return self._say("BOOKING_REQUESTED", at, booking)
        return self._say("BOOKING_CREATED", at, self._with_room(booking))

    def confirm(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """The host agrees: CREATED under the same uid; the guide says BOOKING_CONFIRMED."""
        confirmed = self._with_room(dataclasses.replace(booking, status="ACCEPTED", updated_at=at))
        if self.profile.dialect == "guide":
            return self._say("BOOKING_CONFIRMED", at, confirmed)
        return self._say("BOOKING_CREATED", at, confirmed, form="confirmed")

    def reject(
        self, booking: Booking, at: dt.datetime, reason: str = "Fully booked that week"
    ) -> list[Occurrence]:
        """The host turns the request down: REJECTED."""
        rejected = dataclasses.replace(
            booking, status="REJECTED", rejection_reason=reason, updated_at=at
        )
        return self._say("BOOKING_REJECTED", at, rejected)

    def pay(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """
        The charge went through: CREATED and PAID, whose order of arrival nobody guarantees.

        If the host must still agree, it is REQUESTED instead; if the host has agreed already,
        Cal.com announces nothing at all.
        """
        if booking.status == "ACCEPTED":
            return []
        paid = dataclasses.replace(booking, paid=True, updated_at=at)
        if booking.event_type.requires_confirmation:
            return self._say("BOOKING_REQUESTED", at, paid, form="after_payment")
        paid = self._with_room(dataclasses.replace(paid, status="ACCEPTED"))
        return [
            *self._say("BOOKING_CREATED", at, paid, form="by_payment"),
            *self._say("BOOKING_PAID", at, paid),
        ]

    # --- changing --------------------------------------------------------------------------------

    def reschedule(
        self,
        booking: Booking,
        at: dt.datetime,
        start: dt.datetime,
        by: str | None = None,
        reason: str | None = "Travel clash",
    ) -> list[Occurrence]:
        """
        The booking moves: RESCHEDULED under a new uid and id, and nothing for the old uid.

        If the host must agree and did not move it, it is REQUESTED for the new uid.  In the guide's
        dialect the booking keeps its uid and gets a fresh `rescheduleUid`.

        Args:
            booking: as it was.
            at: when it is moved.
            start: its new beginning.
            by: the address of who moves it; the booker if not given.
            reason: what they say about it.
        """
        actor = by or booking.booker.email
        moved = dataclasses.replace(
            booking,
            start=start,
            end=start + (booking.end - booking.start),
            previous=booking,
            reschedule_uid=self.ids.uid(),
            reschedule_reason=reason,
            rescheduled_by=actor,
            ical_sequence=booking.ical_sequence + 1,
        )
        if self.profile.dialect == "guide":
            return self._say("BOOKING_RESCHEDULED", at, moved)
        moved = dataclasses.replace(
            moved,
            uid=self.ids.uid(),
            id=self.ids.booking_id(),
            ical_uid=booking.calendar_uid,
            created_at=at,
            updated_at=None,
            idempotency_key=self.ids.uuid(),
            first_row=self.ids.booking_id(),
        )
        if booking.event_type.requires_confirmation and actor != booking.host.email:
            waiting = dataclasses.replace(moved, status="PENDING", room=None)
            return self._say("BOOKING_REQUESTED", at, waiting)
        form = "moved_seat" if booking.seat_id else None
        return self._say("BOOKING_RESCHEDULED", at, self._with_room(moved), form=form)

    def cancel(
        self,
        booking: Booking,
        at: dt.datetime,
        reason: str | None = "No longer needed",
        by: str | None = None,
    ) -> list[Occurrence]:
        """Either side calls the booking off: CANCELLED."""
        gone = self._cancelled(booking, at, reason, by or booking.booker.email)
        return self._say("BOOKING_CANCELLED", at, gone)

    def request_reschedule(
        self, booking: Booking, at: dt.datetime, reason: str | None = "Sick today"
    ) -> list[Occurrence]:
        """
        The host asks for another time: CANCELLED with `requestReschedule`.

        Without a reason Cal.com really writes `Please reschedule. undefined`.
        """
        text = f"Please reschedule. {'undefined' if reason is None else reason}"
        gone = self._cancelled(booking, at, text, booking.host.email)
        return self._say("BOOKING_CANCELLED", at, gone, form="reschedule_wanted")

    def relocate(
        self,
        booking: Booking,
        at: dt.datetime,
        location: str = "https://meet.google.com/abc-defg-hij",
    ) -> list[Occurrence]:
        """The place changes: LOCATION_UPDATED."""
        moved = dataclasses.replace(
            booking, location=location, room=None, ical_sequence=booking.ical_sequence + 1
        )
        return self._say("BOOKING_LOCATION_UPDATED", at, moved, before=booking)

    def reassign(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """Another host takes over: REASSIGNED."""
        moved = dataclasses.replace(
            booking, host=self.people.host(), ical_sequence=booking.ical_sequence + 1
        )
        return self._say("BOOKING_REASSIGNED", at, moved, before=booking)

    # --- seats and series ------------------------------------------------------------------------

    def seat(self, booking: Booking, at: dt.datetime) -> list[Occurrence]:
        """
        A stranger takes another seat of the slot: CREATED, same uid and id, other seat id.

        Raises:
            ValueError: if the booking has no seats to share.
        """
        if booking.seats_per_slot is None:
            raise ValueError("this booking has no seats: book it with seats=N")
        taken = dataclasses.replace(
            booking,
            guests=(self.people.guest(),),
            invited=(),
            seat_id=self.ids.uuid(),
            first_row=self.ids.booking_id(),
        )
        return self._say("BOOKING_CREATED", at, taken, form="later_seat")

    def cancel_seat(
        self,
        booking: Booking,
        at: dt.datetime,
        reason: str | None = "Cannot come",
        by: str | None = None,
    ) -> list[Occurrence]:
        """One seat is given back: CANCELLED with that guest only, although the booking stands."""
        gone = self._cancelled(booking, at, reason, by or booking.booker.email)
        return self._say("BOOKING_CANCELLED", at, gone, form="seat")

    def series(
        self,
        at: dt.datetime,
        count: int,
        *,
        start: dt.datetime | None = None,
        needs_confirmation: bool = False,
    ) -> list[Occurrence]:
        """A weekly series is booked: one CREATED (or REQUESTED) for each of its *count* weeks."""
        kind = self.event_type(30, needs_confirmation=needs_confirmation)
        first = start or self.free_slot(at)
        rhythm = {"freq": _WEEKLY, "count": count, "interval": 1}
        series_id, guest = self.ids.uuid(), self.people.guest()
        told: list[Occurrence] = []
        for week in range(count):
            booking = self._placed(at, kind, first + dt.timedelta(weeks=week), 30, 1)
            booking = dataclasses.replace(
                booking,
                guests=(guest,),
                metadata=self._metadata(None),
                recurring=rhythm,
                recurring_id=series_id,
                status="PENDING" if needs_confirmation else "ACCEPTED",
                one_time_password=self.ids.uuid() if needs_confirmation else None,
            )
            if needs_confirmation:
                told += self._say("BOOKING_REQUESTED", at, booking)
            else:
                told += self._say("BOOKING_CREATED", at, self._with_room(booking))
        return told

    def cancel_series(
        self,
        bookings: Sequence[Booking],
        at: dt.datetime,
        reason: str | None = "No longer needed",
        by: str | None = None,
    ) -> list[Occurrence]:
        """The rest of a series is called off: one CANCELLED for all of it, under the first uid."""
        first = bookings[0]
        gone = self._cancelled(first, at, reason, by or first.booker.email)
        return self._say("BOOKING_CANCELLED", at, gone, form="series")

    # --- any of them -----------------------------------------------------------------------------

    def any_of(self, trigger: str, at: dt.datetime) -> Occurrence:
        """
        One well-formed occurrence of *trigger*, with whatever had to happen before it.

        Raises:
            ValueError: if this sender knows no such trigger.
        """
        if trigger not in (*self.profile.triggers, triggers.PING):
            raise ValueError(f"the {self.profile.name} sender knows no trigger {trigger!r}")
        return samples.any_of(self, trigger, at)

    def _cancelled(self, booking: Booking, at: dt.datetime, reason: str | None, by: str) -> Booking:
        return dataclasses.replace(
            booking,
            status="CANCELLED",
            cancellation_reason=reason,
            cancelled_by=by,
            updated_at=at,
            ical_sequence=booking.ical_sequence + 1,
        )
