"""
Booking payloads of the task path, where a later job reads the booking again.

Instants all carry milliseconds, defaults are filled in and the keys stand in another order.
Source: Cal.com `BookingPayloadBuilder.ts` (version 2021-10-20), `CalendarEventBuilder`,
`BookingWebhookDataFetcher.ts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_calcom import times
from mock_calcom.javascript import UNDEFINED
from mock_calcom.payloads import parts

if TYPE_CHECKING:
    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.parts import Payload
    from mock_calcom.people import Person


def booking(trigger: str, subject: Booking, *, reschedule_wanted: bool = False) -> Payload:
    """
    The payload of a booking *trigger* on this path.

    With *reschedule_wanted* on, a cancellation asks for another time.
    """
    return parts.settled(
        {
            **_event(subject),
            "bookingId": subject.id,
            "hashedLink": None,
            "conferenceData": parts.conference(subject),
            "uid": subject.uid,
            "status": _STATUS.get(trigger, "ACCEPTED"),
            **_event_type(subject),
            "smsReminderNumber": parts.optional(subject.booker.phone),
            "assignmentReason": None,
            "destinationCalendar": [] if trigger == "BOOKING_REJECTED" else None,
            "attendeeSeatId": parts.optional(subject.seat_id),
            **_extras(trigger, subject, reschedule_wanted=reschedule_wanted),
        }
    )


_STATUS = {
    "BOOKING_REQUESTED": "PENDING",
    "BOOKING_CANCELLED": "CANCELLED",
    "BOOKING_REJECTED": "REJECTED",
}


def _event(subject: Booking) -> Payload:
    kind = subject.event_type
    return {
        "bookerUrl": parts.BOOKER_URL,
        "title": subject.title,
        "startTime": times.iso(subject.start),
        "endTime": times.iso(subject.end),
        "type": kind.slug,
        "organizer": parts.organizer(subject.host),
        "attendees": [_attendee(guest) for guest in subject.guests],
        "additionalNotes": subject.notes or "",
        "description": kind.description,
        "eventTypeId": kind.id,
        "hideCalendarNotes": False,
        "hideCalendarEventDetails": False,
        "hideOrganizerEmail": False,
        "schedulingType": kind.scheduling_type,
        "seatsPerTimeSlot": subject.seats_per_slot,
        "seatsShowAttendees": subject.seats_per_slot is None,
        "seatsShowAvailabilityCount": True,
        "customReplyToEmail": None,
        "customInputs": {},
        "responses": parts.responses(subject),
        "userFieldsResponses": parts.own_responses(subject),
        "location": subject.location,
        "iCalUID": subject.calendar_uid,
        "iCalSequence": subject.ical_sequence,
        "oneTimePassword": subject.one_time_password,
        "organizationId": None,
        "recurringEvent": parts.optional(subject.recurring),
        "team": parts.team(subject),
    }


def _event_type(subject: Booking) -> Payload:
    kind = subject.event_type
    return {
        "eventTitle": kind.title,
        "eventDescription": kind.description,
        "requiresConfirmation": kind.requires_confirmation,
        "price": subject.price,
        "currency": subject.currency,
        "length": kind.length,
    }


def _attendee(person: Person) -> Payload:
    # `utcOffset` comes before the name parts on this path; the sender only fills it in.
    return {
        "name": person.name,
        "email": person.email,
        "timeZone": person.time_zone,
        "language": parts.language(person),
        "phoneNumber": person.phone,
        "bookingSeat": None,
        "utcOffset": None,
        "firstName": person.first_name,
        "lastName": person.last_name,
    }


def _extras(trigger: str, subject: Booking, *, reschedule_wanted: bool) -> Payload:
    payment = {"paymentId": parts.optional(subject.payment_id)}
    extras: dict[str, Payload] = {
        "BOOKING_CREATED": {"metadata": parts.metadata(subject)},
        "BOOKING_REQUESTED": {**_moved_from(subject), "metadata": dict(subject.metadata)},
        "BOOKING_RESCHEDULED": {
            **_moved_from(subject),
            "rescheduledBy": parts.optional(subject.rescheduled_by),
            "metadata": parts.metadata(subject),
        },
        "BOOKING_CANCELLED": {
            "cancelledBy": parts.optional(subject.cancelled_by),
            "cancellationReason": parts.optional(subject.cancellation_reason),
            "requestReschedule": reschedule_wanted,
            "metadata": parts.metadata(subject),
        },
        "BOOKING_REJECTED": {"rejectionReason": parts.optional(subject.rejection_reason)},
        "BOOKING_PAYMENT_INITIATED": {"metadata": dict(subject.metadata), **payment},
        "BOOKING_PAID": {"metadata": parts.metadata(subject), **payment},
    }
    return extras[trigger]


def _moved_from(subject: Booking) -> dict[str, Any]:
    old = subject.previous
    if old is None:
        return {}
    return {
        "rescheduleId": UNDEFINED if subject.seat_id else old.id,
        "rescheduleUid": old.uid,
        "rescheduleStartTime": times.iso(old.start),
        "rescheduleEndTime": times.iso(old.end),
    }
