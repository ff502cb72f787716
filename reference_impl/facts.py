"""
Facts: what an envelope says about a booking, in one form for both dialects.

Pure.  The guide's field names and Cal.com's are told apart by the fields themselves
(`calcomBookingId` against `bookingId`), never by configuration.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from reference_impl import instants
from reference_impl.needs import unmet

if TYPE_CHECKING:
    from reference_impl.envelope import Envelope


class UnusablePayloadError(ValueError):
    """The payload lacks what its handler needs: no later try can go better."""


@dataclass(slots=True)
class Fact:
    """One occurrence, normalised.  Not frozen: its key is made of the rest of it, and set last."""

    trigger: str
    #: When it happened, in microseconds since 1970; `dated` is whether the envelope said so.
    happened: int
    dated: bool = True
    uid: str | None = None
    booking_id: int | None = None
    #: The payload's `rescheduleUid`: in Cal.com the uid this booking replaces.
    previous_uid: str | None = None
    #: The appointment of ours the booker's metadata names.
    appointment_id: str | None = None
    start: int | None = None
    end: int | None = None
    previous_start: int | None = None
    title: str | None = None
    #: The attendees' addresses; `None` when the payload has no such list.
    attendees: tuple[str, ...] | None = None
    #: Seats of the slot when the event type has seats.
    seats: int | None = None
    seat_id: str | None = None
    #: Cal.com's word for the booking's state: ACCEPTED, PENDING, ...
    status: str | None = None
    reason: str | None = None
    #: What sets this occurrence apart from another of the same trigger and booking.
    detail: tuple[str, ...] = ()
    #: The occurrence key: two deliveries with the same key tell of the same occurrence.
    key: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the booking it is about is known by: its uid, else its number."""
        if self.trigger == "FORM_SUBMITTED":
            return ()
        if self.uid is not None:
            return (self.uid,)
        return () if self.booking_id is None else (f"#{self.booking_id}",)

    @property
    def priority(self) -> tuple[bool, int, bytes]:
        """Which of two tellings of one occurrence is kept: the dated, then the earlier one."""
        return (not self.dated, self.happened, dumps(self))


def dumps(fact: Fact) -> bytes:
    """*fact* as the store keeps it."""
    return orjson.dumps(fact)


def loads(data: bytes) -> Fact:
    """The fact that `dumps` wrote."""
    values: dict[str, Any] = orjson.loads(data)
    for name in ("attendees", "detail"):
        if values[name] is not None:
            values[name] = tuple(values[name])
    return Fact(**values)


class Reader:
    """Makes facts of envelopes."""

    def read(self, envelope: Envelope, received_at: int) -> Fact:
        """
        The fact that *envelope* tells.

        Raises:
            UnusablePayloadError: if it lacks what the handler of its trigger needs.
        """
        payload = envelope.payload
        problem = unmet(envelope.trigger, payload)
        if problem is not None:
            raise UnusablePayloadError(problem)
        created_at = envelope.created_at
        attendees = payload.get("attendees")
        fact = Fact(
            trigger=envelope.trigger,
            happened=received_at if created_at is None else created_at,
            dated=created_at is not None,
            uid=envelope.uid,
            booking_id=envelope.booking_id,
            previous_uid=self.previous_uid(payload),
            appointment_id=self.appointment_id(payload),
            start=self.instant(payload, "startTime"),
            end=self.instant(payload, "endTime"),
            previous_start=self.instant(payload, "previousStartTime", "rescheduleStartTime"),
            title=payload.get("title"),
            attendees=None if attendees is None else self.addresses(attendees),
            seats=payload.get("seatsPerTimeSlot"),
            seat_id=payload.get("attendeeSeatId"),
            status=payload.get("status"),
            reason=payload.get("cancellationReason") or payload.get("rejectionReason"),
            detail=self.detail(envelope),
        )
        if not fact.names and fact.trigger != "FORM_SUBMITTED":
            # Its only name is a number too large to be exact.
            raise UnusablePayloadError("payload names no booking: neither uid nor booking id")
        fact.key = self.occurrence_key(fact)
        return fact

    def instant(self, payload: dict[str, Any], *names: str) -> int | None:
        """The instant in the first of *names* that holds one."""
        for name in names:
            found = instants.parse(payload.get(name))
            if found is not None:
                return found
        return None

    def previous_uid(self, payload: dict[str, Any]) -> str | None:
        """The uid this booking is said to replace."""
        return payload.get("rescheduleUid") or None

    def appointment_id(self, payload: dict[str, Any]) -> str | None:
        """The id of our appointment in the metadata that travelled with the booking."""
        value = (payload.get("metadata") or {}).get("askproai_appointment_id")
        return str(value) if value not in (None, "") else None

    def addresses(self, attendees: list[dict[str, Any]]) -> tuple[str, ...]:
        """The attendees' addresses, in their order."""
        return tuple(person["email"] for person in attendees if person.get("email"))

    def detail(self, envelope: Envelope) -> tuple[str, ...]:
        """What sets the occurrence apart beyond its trigger and booking."""
        payload = envelope.payload
        if envelope.trigger in {"BOOKING_PAYMENT_INITIATED", "BOOKING_PAID"}:
            return (str(payload.get("paymentId")),)
        if envelope.trigger == "FORM_SUBMITTED":
            # A form has no booking and no id of its submission: same answers, same occurrence.
            answers = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
            return (hashlib.sha256(answers).hexdigest(),)
        if envelope.trigger == "BOOKING_CANCELLED" and payload.get("seatsPerTimeSlot"):
            # The row id is new when the same person takes and cancels another seat.
            people = payload.get("attendees") or []
            return tuple(sorted(f"{one.get('id', '')} {one.get('email')}" for one in people))
        if envelope.trigger == "BOOKING_CREATED" and payload.get("seatsPerTimeSlot"):
            seat = payload.get("attendeeSeatId")
            return (seat,) if seat else self.addresses(payload.get("attendees") or [])
        return ()

    def occurrence_key(self, fact: Fact) -> str:
        """
        What makes two deliveries tell of the same occurrence, whatever their `createdAt`.

        The trigger, the booking, and what can happen to one booking more than once: a seat taken
        or given back, a payment, and for reschedules the new slot and both ends of the link (in
        the guide's dialect the uid stays and only these change).
        """
        parts: list[Any] = [fact.trigger, *fact.names, *fact.detail]
        if fact.trigger == "BOOKING_RESCHEDULED":
            parts += [fact.start, fact.previous_uid, fact.previous_start, fact.seat_id]
        return orjson.dumps(parts).decode()
