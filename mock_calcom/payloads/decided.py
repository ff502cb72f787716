"""
What follows a host's or a payment provider's decision: CREATED after it, PAID, REJECTED.

These handlers read the booking back from the database, so instants carry milliseconds.  Source:
Cal.com `handleConfirmation.ts`, `confirm.handler.ts`, `packages/lib/payment/getBooking.ts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_calcom import times
from mock_calcom.javascript import UNDEFINED
from mock_calcom.payloads import parts

if TYPE_CHECKING:
    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.parts import Payload


def confirmed(booking: Booking) -> Payload:
    """CREATED for a booking that its host has confirmed: same uid, without the caller's keys."""
    return parts.settled(
        {
            **_head(booking),
            "userFieldsResponses": parts.own_responses(booking),
            "responses": parts.responses(booking),
            "customInputs": {},
            "startTime": times.iso(booking.start),
            "endTime": times.iso(booking.end),
            "organizer": parts.confirmed_organizer(booking.host, recent=False),
            "attendees": [parts.stored_attendee(guest) for guest in booking.guests],
            "location": booking.location,
            "uid": booking.uid,
            "destinationCalendar": [],
            "requiresConfirmation": True,
            "hideOrganizerEmail": False,
            "eventTypeId": booking.event_type.id,
            "customReplyToEmail": None,
            "team": parts.team(booking),
            "recurringEvent": parts.optional(booking.recurring),
            "conferenceData": parts.conference(booking),
            "videoCallData": parts.video_call(booking),
            **parts.event_type(booking),
            "bookingId": booking.id,
            "status": "ACCEPTED",
            "smsReminderNumber": parts.optional(booking.booker.phone),
            "metadata": _call_only(booking),
        }
    )


def rejected(booking: Booking, *, recent: bool = True) -> Payload:
    """A request that its host has turned down."""
    return parts.settled(
        {
            **_head(booking),
            "userFieldsResponses": parts.stored_own_responses(booking),
            "responses": parts.stored_responses(booking),
            "customInputs": {},
            "startTime": times.iso(booking.start),
            "endTime": times.iso(booking.end),
            "organizer": parts.confirmed_organizer(booking.host, recent=recent),
            "attendees": [parts.stored_attendee(guest) for guest in booking.guests],
            "location": booking.location,
            "uid": booking.uid,
            "destinationCalendar": [],
            "requiresConfirmation": True,
            "hideOrganizerEmail": False,
            "hideCalendarNotes": False,
            "hideCalendarEventDetails": False,
            "eventTypeId": booking.event_type.id,
            "customReplyToEmail": None,
            "recurringEvent": parts.optional(booking.recurring),
            "team": parts.team(booking),
            "organizationId": None if recent else UNDEFINED,
            "additionalNotes": parts.optional(booking.notes),
            "rejectionReason": parts.optional(booking.rejection_reason),
            **parts.event_type(booking),
            "bookingId": booking.id,
            "status": "REJECTED",
            "smsReminderNumber": parts.optional(booking.booker.phone),
        }
    )


def created_by_payment(booking: Booking) -> Payload:
    """CREATED as the payment handler sends it, just before PAID."""
    return parts.settled({**_charged(booking), "metadata": _call_only(booking)})


def paid(booking: Booking) -> Payload:
    """PAID: its `metadata` tells of the payment and so replaces the booking's own."""
    return {
        **parts.settled(_charged(booking)),
        "metadata": {
            "identifier": "cal.com",
            "bookingId": booking.id,
            "eventTypeId": booking.event_type.id,
            "bookerEmail": booking.booker.email,
            "eventTitle": booking.event_type.title,
            "externalId": "pi_3MockPaymentIntent",
        },
        "paymentId": booking.payment_id,
    }


def _charged(booking: Booking) -> Payload:
    host = booking.host
    return {
        "type": booking.event_type.slug,
        "title": booking.title,
        "bookerUrl": parts.BOOKER_URL,
        "description": booking.notes or booking.event_type.description,
        "startTime": times.iso(booking.start),
        "endTime": times.iso(booking.end),
        "customInputs": {},
        "userFieldsResponses": parts.own_responses(booking),
        "responses": parts.responses(booking),
        "organizer": {
            "email": host.email,
            "name": host.name,
            "timeZone": host.time_zone,
            "timeFormat": host.time_format,
            "language": parts.language(host),
            "id": host.id,
        },
        "hideOrganizerEmail": False,
        "team": parts.team(booking),
        "attendees": [
            {
                "name": guest.name,
                "email": guest.email,
                "timeZone": guest.time_zone,
                "language": parts.language(guest),
            }
            for guest in booking.guests
        ],
        "location": booking.location,
        "uid": booking.uid,
        "destinationCalendar": [],
        "recurringEvent": booking.recurring,
        "customReplyToEmail": None,
        "conferenceData": parts.conference(booking),
        "videoCallData": parts.video_call(booking),
        "eventTitle": booking.event_type.title,
        "eventDescription": booking.event_type.description,
        "requiresConfirmation": booking.event_type.requires_confirmation or None,
        "price": booking.price,
        "currency": booking.currency,
        "length": booking.event_type.length,
        "bookingId": booking.id,
        "eventTypeId": booking.event_type.id,
        "status": "ACCEPTED",
        "smsReminderNumber": parts.optional(booking.booker.phone),
    }


def _head(booking: Booking) -> Payload:
    return {
        "type": booking.event_type.slug,
        "title": booking.title,
        # The row's description: what the booker wrote was stored there.
        "description": booking.notes or booking.event_type.description,
        "bookerUrl": parts.BOOKER_URL,
    }


def _call_only(booking: Booking) -> object:
    return {"videoCallUrl": booking.video_url} if booking.video_url else UNDEFINED
