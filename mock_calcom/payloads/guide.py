"""
The guide's dialect: the eight events as its examples show them.

The fields of CREATED, RESCHEDULED and CANCELLED are exactly those of the guide, "Webhook Payload
Structure".  It shows no example of the other five; they are made of the same words.  In this
dialect a booking keeps its uid when it moves, and gets a fresh `rescheduleUid` instead.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from mock_calcom import times
from mock_calcom.payloads import parts

if TYPE_CHECKING:
    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.forms import Sheet
    from mock_calcom.payloads.parts import Payload

#: The one key of the caller that every event carries.
APPOINTMENT = "askproai_appointment_id"

#: How far `from` and `to` lie from the slot in the guide's CREATED: nobody may book by them.
_FORMER_SLOT = dt.timedelta(days=-1)


def created(booking: Booking) -> Payload:
    """A new booking, as in "BOOKING_CREATED Payload"."""
    kind, host = booking.event_type, booking.host
    return {
        "type": kind.slug,
        "title": _title(booking),
        "description": kind.description,
        "additionalNotes": booking.notes or "",
        "customInputs": {},
        **_slot(booking),
        "organizer": {
            "id": host.id,
            "name": host.name,
            "email": host.email,
            "username": host.username,
            "timeZone": host.time_zone,
            "language": parts.language(host),
        },
        "attendees": [
            {
                "email": guest.email,
                "name": guest.name,
                "timeZone": guest.time_zone,
                "language": parts.language(guest),
            }
            for guest in booking.guests
        ],
        "location": booking.location,
        "destinationCalendar": {
            "id": booking.first_row,
            "integration": "google_calendar",
            "externalId": "primary",
        },
        "hideCalendarNotes": False,
        "requiresConfirmation": kind.requires_confirmation,
        "eventTypeId": kind.id,
        "seatsShowAttendees": False,
        "seatsPerTimeSlot": booking.seats_per_slot,
        "uid": booking.uid,
        "conferenceCredentialId": None,
        "hostedBy": None,
        "metadata": dict(booking.metadata),
        "calcomBookingId": booking.id,
        "rescheduleUid": booking.reschedule_uid,
        "from": times.plain(booking.start + _FORMER_SLOT),
        "to": times.plain(booking.end + _FORMER_SLOT),
    }


def rescheduled(booking: Booking) -> Payload:
    """A booking in its new slot, as in "BOOKING_RESCHEDULED Payload"."""
    old = booking.previous or booking
    return {
        **_brief(booking, with_uid=False),
        "uid": booking.uid,
        "rescheduleUid": booking.reschedule_uid,
        "calcomBookingId": booking.id,
        "previousStartTime": times.plain(old.start),
        "previousEndTime": times.plain(old.end),
        "metadata": _metadata(booking, reschedule_reason=booking.reschedule_reason),
    }


def cancelled(booking: Booking) -> Payload:
    """A booking called off, as in "BOOKING_CANCELLED Payload"."""
    by_host = booking.cancelled_by == booking.host.email
    return {
        **_brief(booking),
        "cancellationReason": booking.cancellation_reason or "",
        "metadata": _metadata(booking, cancelled_by="staff" if by_host else "patient"),
    }


def confirmed(booking: Booking) -> Payload:
    """A request its host has agreed to."""
    return {**_brief(booking), "metadata": _metadata(booking)}


def rejected(booking: Booking) -> Payload:
    """A request its host has turned down."""
    return {
        **_brief(booking),
        "rejectionReason": booking.rejection_reason or "",
        "metadata": _metadata(booking),
    }


def requested(booking: Booking) -> Payload:
    """A booking that waits for its host: the fields of a new one."""
    return created(booking)


def payment_initiated(booking: Booking) -> Payload:
    """A booking that waits for its payment."""
    return {
        **_brief(booking),
        "price": booking.price,
        "currency": booking.currency,
        "paymentId": booking.payment_id,
        "metadata": _metadata(booking),
    }


def form_submitted(sheet: Sheet) -> Payload:
    """A booking form somebody has sent; the guide says no more of it than that."""
    return {
        "title": sheet.form_name,
        "responses": {key: {"value": answer.value} for key, answer in sheet.answers.items()},
        "metadata": {"source": "website"},
    }


def _title(booking: Booking) -> str:
    return f"{booking.event_type.title} with {booking.booker.name}"


def _slot(booking: Booking) -> Payload:
    return {"startTime": times.plain(booking.start), "endTime": times.plain(booking.end)}


def _brief(booking: Booking, *, with_uid: bool = True) -> Payload:
    identity = {"uid": booking.uid, "calcomBookingId": booking.id} if with_uid else {}
    return {
        "type": booking.event_type.slug,
        "title": _title(booking),
        **_slot(booking),
        **identity,
    }


def _metadata(booking: Booking, **more: str | None) -> Payload:
    """The caller's appointment, if the booking has one, and what this event adds."""
    kept = {key: value for key, value in booking.metadata.items() if key == APPOINTMENT}
    return kept | {key: value for key, value in more.items() if value is not None}
