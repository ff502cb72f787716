"""
CREATED, REQUESTED, RESCHEDULED and PAYMENT_INITIATED as the booking handler sends them at once.

Source: Cal.com `packages/features/bookings/lib/handleNewBooking.ts`, `CalendarEventBuilder.ts`,
`handleSeats.ts`; LOCATION_UPDATED and REASSIGNED from the documentation of 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_calcom import times
from mock_calcom.javascript import UNDEFINED
from mock_calcom.payloads import parts

if TYPE_CHECKING:
    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.parts import Payload


def created(booking: Booking, *, recent: bool = True) -> Payload:
    """A booking that stands at once."""
    return parts.settled(
        {
            **_event(booking, recent=recent),
            "uid": booking.uid,
            "attendeeSeatId": parts.optional(booking.seat_id),
            "conferenceData": parts.conference(booking),
            "videoCallData": parts.video_call(booking),
            "appsStatus": parts.apps_status(booking),
            **parts.event_type(booking),
            "bookingId": booking.id,
            "metadata": parts.metadata(booking),
            "status": "ACCEPTED",
            **_end(booking),
        }
    )


def later_seat(booking: Booking, *, recent: bool = True) -> Payload:
    """The second and every later seat of a slot: no call data, the uid near the end."""
    return parts.settled(
        {
            **_event(booking, recent=recent),
            **parts.event_type(booking),
            "uid": booking.uid,
            "bookingId": booking.id,
            "attendeeSeatId": booking.seat_id,
            "metadata": parts.metadata(booking),
            "status": "ACCEPTED",
            **_end(booking),
        }
    )


def moved_seat(booking: Booking, *, recent: bool = True) -> Payload:
    """One seat that moved to another slot; the numeric id of the old booking is absent."""
    return parts.settled(
        {
            **_event(booking, recent=recent),
            **parts.event_type(booking),
            "uid": booking.uid,
            "bookingId": booking.id,
            "attendeeSeatId": booking.seat_id,
            **_moved_from(booking, with_id=False),
            "metadata": parts.metadata(booking),
            "status": "ACCEPTED",
            **_end(booking),
        }
    )


def requested(booking: Booking, *, recent: bool = True) -> Payload:
    """A booking that waits for the host; it has no call yet."""
    return parts.settled(
        {
            **_event(booking, recent=recent),
            "uid": booking.uid,
            **parts.event_type(booking),
            "bookingId": booking.id,
            "metadata": dict(booking.metadata),
            "status": "PENDING",
            **_end(booking),
        }
    )


def requested_after_payment(booking: Booking, *, recent: bool = True) -> Payload:
    """A paid booking that waits for the host: without `metadata` and `status`."""
    payload = requested(booking, recent=recent)
    del payload["metadata"], payload["status"]
    return payload


def rescheduled(booking: Booking, *, recent: bool = True) -> Payload:
    """A booking in its new slot, under a new uid, pointing back to the old one."""
    return parts.settled(
        {
            **_event(booking, recent=recent),
            "uid": booking.uid,
            "videoCallData": parts.video_call(booking),
            "conferenceData": parts.conference(booking),
            "appsStatus": parts.apps_status(booking),
            **parts.event_type(booking),
            "bookingId": booking.id,
            **_moved_from(booking),
            "metadata": parts.metadata(booking),
            "status": "ACCEPTED",
            **_end(booking),
            "rescheduledBy": parts.optional(booking.rescheduled_by),
        }
    )


def payment_initiated(booking: Booking, *, recent: bool = True) -> Payload:
    """A booking that waits for its payment, although Cal.com already says ACCEPTED."""
    return parts.settled(
        {
            **_event(booking, recent=recent),
            "uid": booking.uid,
            **parts.event_type(booking),
            "bookingId": booking.id,
            "metadata": dict(booking.metadata),
            "status": "ACCEPTED",
            **_end(booking),
            "paymentId": booking.payment_id,
        }
    )


def location_updated(booking: Booking, previous_location: str) -> Payload:
    """A booking whose place changed."""
    event = _event(booking, recent=True)
    for key in ("disableRescheduling", "disableCancelling", "oneTimePassword", "hashedLink"):
        del event[key]
    payload: Payload = {}
    for key, value in event.items():
        payload[key] = value
        if key == "location":
            payload["previousLocation"] = previous_location
    payload["responses"] = parts.responses(booking, location=previous_location)
    return parts.settled(
        {
            **payload,
            "uid": booking.uid,
            **parts.event_type(booking),
            "bookingId": booking.id,
            "metadata": parts.metadata(booking),
            "status": "ACCEPTED",
        }
    )


def reassigned(booking: Booking, removed: int) -> Payload:
    """A booking that another host takes over; *removed* is the id of the former one."""
    known = ("name", "email")
    return {
        "bookerUrl": parts.BOOKER_URL,
        "title": booking.title,
        "startTime": times.plain(booking.start),
        "endTime": times.plain(booking.end),
        "type": booking.event_type.slug,
        "description": booking.notes or "",
        "eventTypeId": booking.event_type.id,
        "organizer": parts.organizer(booking.host),
        "attendees": [parts.attendee(guest) for guest in booking.guests],
        "responses": {
            name: entry for name, entry in parts.responses(booking).items() if name in known
        },
        "location": booking.video_url or booking.location,
        "destinationCalendar": None,
        "iCalUID": booking.calendar_uid,
        "iCalSequence": booking.ical_sequence,
        "uid": booking.uid,
        "eventTitle": booking.event_type.title,
        "bookingId": booking.id,
        "status": "ACCEPTED",
        "addedHostUserIds": [booking.host.id],
        "removedHostUserIds": [removed],
    }


def _event(booking: Booking, *, recent: bool) -> Payload:
    """The event object up to its uid.  *recent* adds the keys of late 2025 and after."""
    kind = booking.event_type
    seated = booking.seats_per_slot is not None
    new = (lambda value: value) if recent else (lambda _: UNDEFINED)
    return {
        "bookerUrl": parts.BOOKER_URL,
        "title": booking.title,
        "startTime": times.plain(booking.start),
        "endTime": times.plain(booking.end),
        "additionalNotes": parts.optional(booking.notes),
        "type": kind.slug,
        # The sender puts the notes here if the event type has no description.
        "description": kind.description,
        "eventTypeId": kind.id,
        "hideCalendarNotes": False,
        "hideCalendarEventDetails": False,
        "hideOrganizerEmail": False,
        "schedulingType": kind.scheduling_type,
        "seatsPerTimeSlot": booking.seats_per_slot,
        "seatsShowAttendees": not seated,
        "seatsShowAvailabilityCount": True,
        "customReplyToEmail": None,
        "disableRescheduling": new(False),
        "disableCancelling": new(False),
        "organizer": parts.organizer(booking.host),
        "attendees": [parts.attendee(guest) for guest in booking.guests],
        "customInputs": {},
        "responses": parts.responses(booking),
        "userFieldsResponses": parts.own_responses(booking),
        "location": booking.location,
        "destinationCalendar": None,
        "iCalUID": booking.calendar_uid,
        "iCalSequence": booking.ical_sequence,
        "requiresConfirmation": kind.requires_confirmation,
        "oneTimePassword": booking.one_time_password,
        "organizationId": new(None),
        "hashedLink": new(None),
        "recurringEvent": parts.optional(booking.recurring),
        "existingRecurringEvent": _series(booking),
        "team": parts.team(booking),
    }


def _series(booking: Booking) -> Any:
    return {"recurringEventId": booking.recurring_id} if booking.recurring_id else UNDEFINED


def _moved_from(booking: Booking, *, with_id: bool = True) -> Payload:
    old = booking.previous
    if old is None:
        return {}
    return {
        "rescheduleId": old.id if with_id else UNDEFINED,
        "rescheduleUid": old.uid,
        "rescheduleStartTime": times.plain(old.start),
        "rescheduleEndTime": times.plain(old.end),
    }


def _end(booking: Booking) -> Payload:
    return {"smsReminderNumber": parts.optional(booking.booker.phone)}
