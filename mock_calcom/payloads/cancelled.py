"""
CANCELLED: by either side, of one seat, of a series, or to ask for another time.

Source: Cal.com `handleCancelBooking.ts`, `requestReschedule.handler.ts`, `BookingWebhookFactory`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_calcom import times
from mock_calcom.javascript import UNDEFINED
from mock_calcom.payloads import parts

if TYPE_CHECKING:
    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.parts import Payload


def cancelled(
    booking: Booking,
    *,
    zone: str = "UTC",
    recent: bool = True,
    seat: int | None = None,
    whole_series: bool = False,
) -> Payload:
    """
    A booking, one of its seats, or all of its series, called off.

    Args:
        booking: as it is after the cancellation.
        zone: where the server lives; this handler spells instants in local time.
        recent: whether the keys of 2026 are present.
        seat: the index of the only guest who leaves, of a booking that lives on.
        whole_series: whether all later bookings of the series are called off with this one.
    """
    kind = booking.event_type
    return parts.settled(
        {
            "bookerUrl": parts.BOOKER_URL,
            "title": booking.title,
            "length": kind.length,
            "type": kind.slug,
            "additionalNotes": parts.optional(booking.notes),
            "description": booking.notes or kind.description,
            "customInputs": {},
            "eventTypeId": kind.id,
            "userFieldsResponses": parts.stored_own_responses(booking),
            "responses": parts.stored_responses(booking),
            "startTime": times.zoned(booking.start, zone),
            "endTime": times.zoned(booking.end, zone),
            "organizer": parts.cancelled_organizer(booking.host),
            "attendees": _attendees(booking, seat),
            "uid": booking.uid,
            "bookingId": booking.id,
            "recurringEvent": parts.optional(booking.recurring) if whole_series else UNDEFINED,
            "location": booking.location,
            "destinationCalendar": [],
            "cancellationReason": parts.optional(booking.cancellation_reason),
            "team": parts.team(booking),
            "seatsPerTimeSlot": booking.seats_per_slot,
            "seatsShowAttendees": False,
            "iCalUID": booking.calendar_uid,
            "iCalSequence": booking.ical_sequence,
            "hideOrganizerEmail": False,
            "customReplyToEmail": None,
            "organizationId": None if recent else UNDEFINED,
            "eventTitle": kind.title,
            # Empty and zero become null here: this handler writes `value || null`.
            "eventDescription": kind.description or None,
            "requiresConfirmation": kind.requires_confirmation or None,
            "price": booking.price or None,
            "currency": booking.currency,
            "status": "CANCELLED",
            "smsReminderNumber": parts.optional(booking.booker.phone),
            "cancelledBy": parts.optional(booking.cancelled_by),
            "requestReschedule": False if recent else UNDEFINED,
        }
    )


def reschedule_wanted(booking: Booking, *, zone: str = "UTC", recent: bool = True) -> Payload:
    """The host asks the guest to choose another time: a cancellation with a telling reason."""
    kind = booking.event_type
    host = booking.host

    def new(value: object) -> object:
        return value if recent else UNDEFINED

    return parts.settled(
        {
            "bookingId": booking.id,
            "type": kind.slug,
            "title": booking.title,
            "description": kind.description,
            "customInputs": {},
            "responses": parts.stored_responses(booking),
            "userFieldsResponses": parts.stored_own_responses(booking),
            "startTime": times.zoned(booking.start, zone),
            "endTime": times.zoned(booking.end, zone),
            "organizer": {
                "id": host.id,
                "email": host.email,
                "name": host.name,
                "timeZone": host.time_zone,
                "language": parts.language(host),
            },
            "attendees": [parts.stored_attendee(guest) for guest in booking.guests],
            "uid": booking.uid,
            "location": booking.location,
            "destinationCalendar": [],
            "iCalUID": booking.calendar_uid,
            "cancelledBy": new(booking.cancelled_by),
            "cancellationReason": booking.cancellation_reason,
            "status": new("CANCELLED"),
            "eventTypeId": new(kind.id),
            "length": new(kind.length),
            "iCalSequence": booking.ical_sequence,
            "eventTitle": kind.title,
            "requestReschedule": new(True),
        }
    )


def _attendees(booking: Booking, seat: int | None) -> list[Payload]:
    if seat is None:
        return [parts.stored_attendee(guest) for guest in booking.guests]
    leaving = booking.guests[seat]
    return [{**parts.row(booking, seat), "language": parts.language(leaving)}]
