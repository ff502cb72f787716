"""
Around the meeting itself: its start and end, who stayed away, what was recorded.

Source: Cal.com `scheduleTrigger.ts` (a booking row, flat), `handleMarkNoShow.ts`, the no-show
detection tasks, and the recordings handler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_calcom import times
from mock_calcom.payloads import parts

if TYPE_CHECKING:
    import datetime as dt

    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.parts import Payload


def meeting(booking: Booking) -> Payload:
    """
    The booking's database row, frozen when the booking was made.

    Its `createdAt` is the booking's, not the occurrence's.
    """
    host = booking.host
    return parts.settled(
        {
            "id": booking.id,
            "uid": booking.uid,
            "idempotencyKey": booking.idempotency_key,
            "userId": host.id,
            "userPrimaryEmail": host.email,
            "eventTypeId": booking.event_type.id,
            "title": booking.title,
            "description": booking.notes or booking.event_type.description,
            "customInputs": {},
            "responses": parts.responses(booking),
            "startTime": times.iso(booking.start),
            "endTime": times.iso(booking.end),
            "location": booking.location,
            "createdAt": times.iso(booking.created_at),
            "updatedAt": times.iso(booking.updated_at) if booking.updated_at else None,
            "status": "ACCEPTED",
            "paid": booking.paid,
            "destinationCalendarId": None,
            "cancellationReason": None,
            "rejectionReason": None,
            "reassignReason": None,
            "reassignById": None,
            "dynamicEventSlugRef": None,
            "dynamicGroupSlugRef": None,
            "rescheduled": None,
            "fromReschedule": booking.previous.uid if booking.previous else None,
            "recurringEventId": booking.recurring_id,
            "smsReminderNumber": booking.booker.phone,
            "scheduledJobs": [],
            # Taken before the call's URL is stored, so without it.
            "metadata": dict(booking.metadata),
            "isRecorded": False,
            "iCalUID": booking.calendar_uid,
            "iCalSequence": booking.ical_sequence,
            "rating": None,
            "ratingFeedback": None,
            "noShowHost": False,
            "oneTimePassword": booking.one_time_password,
            "cancelledBy": None,
            # Kept on the row that was replaced, not on this one.
            "rescheduledBy": None,
            "creationSource": "WEBAPP",
            "user": {
                "email": host.email,
                "name": host.name,
                "timeZone": host.time_zone,
                "username": host.username,
            },
            "attendees": parts.rows(booking),
            "payment": [],
            "references": [],
            "appsStatus": parts.apps_status(booking),
        }
    )


def no_show_updated(booking: Booking, *, no_show: bool, path: str = "direct") -> Payload:
    """The host says whether everybody came; the uid is called `bookingUid` here."""
    emails = [guest.email for guest in booking.guests]
    verb = "marked" if no_show else "unmarked"
    members: Payload = {
        "message": f"{emails[0]} {verb} as no-show"
        if len(emails) == 1
        else "No-show status updated for attendees",
        "attendees": [{"email": email, "noShow": no_show} for email in emails],
        "bookingUid": booking.uid,
        "bookingId": booking.id,
    }
    if path == "task":
        order = ("bookingUid", "bookingId", "attendees", "message")
        return {key: members[key] for key in order}
    return members


def hosts_absent(booking: Booking, hook: Payload, deadline: dt.datetime) -> Payload:
    """A host did not join the Cal Video call until *deadline*; *hook* is `subscription_row`."""
    email = booking.host.email
    return {
        **_detection(booking),
        "hostEmail": email,
        "noShowHost": True,
        **_detected_for(booking, hook),
        "message": f"Host with email {email} didn't join the call or didn't join before "
        f"{times.spaced(deadline)}",
    }


def guests_absent(booking: Booking, hook: Payload, deadline: dt.datetime) -> Payload:
    """No guest joined the Cal Video call until *deadline*; *hook* is `subscription_row`."""
    return {
        **_detection(booking),
        "guests": parts.rows(booking),
        **_detected_for(booking, hook),
        "message": f"Guest didn't join the call or didn't join before {times.spaced(deadline)}",
    }


def subscription_row(row_id: str, minutes: int) -> Payload:
    """The subscription as the detection repeats it; `delivery.compose` fills in the real URL."""
    return {
        "id": row_id,
        "subscriberUrl": "https://receiver.example/api/cal",
        "appId": None,
        "time": minutes,
        "timeUnit": "MINUTE",
        "eventTriggers": ["AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"],
        "payloadTemplate": None,
    }


def recording_ready(booking: Booking, token: str) -> Payload:
    """A recording can be fetched; *token* opens it."""
    return {**_recorded(booking), "downloadLink": _recording_url(token)}


def transcription_generated(booking: Booking, token: str) -> Payload:
    """A transcript can be fetched in four formats; *token* opens it."""
    return {
        **_recorded(booking),
        "downloadLinks": {
            "transcription": [
                {"format": form, "link": f"https://bucket.example/transcript.{form}?sig={token}"}
                for form in ("json", "srt", "txt", "vtt")
            ],
            "recording": _recording_url(token),
        },
    }


def _detection(booking: Booking) -> Payload:
    return {
        "title": booking.title,
        "bookingId": booking.id,
        "bookingUid": booking.uid,
        "startTime": times.iso(booking.start),
        "attendees": parts.rows(booking),
        "endTime": times.iso(booking.end),
        "participants": [],
    }


def _detected_for(booking: Booking, hook: Payload) -> Payload:
    return {
        "eventType": {
            "id": booking.event_type.id,
            "teamId": None,
            "parentId": None,
            "calVideoSettings": None,
        },
        "webhook": hook,
    }


def _recorded(booking: Booking) -> Payload:
    host = booking.host
    return {
        # The title, where every other payload has the event type's slug.
        "type": booking.title,
        "title": booking.title,
        "startTime": times.iso(booking.start),
        "endTime": times.iso(booking.end),
        "organizer": {
            "email": host.email,
            "name": host.name,
            "timeZone": host.time_zone,
            "language": parts.language(host),
        },
        "attendees": [_recorded_guest(booking, index) for index in range(len(booking.guests))],
        "uid": booking.uid,
        "customReplyToEmail": None,
    }


def _recorded_guest(booking: Booking, index: int) -> dict[str, Any]:
    guest = booking.guests[index]
    return {
        "id": booking.first_row + index,
        "name": guest.name,
        "email": guest.email,
        "timeZone": guest.time_zone,
        "language": parts.language(guest),
    }


def _recording_url(token: str) -> str:
    return f"https://app.cal.com/api/video/recording?token={token}"
