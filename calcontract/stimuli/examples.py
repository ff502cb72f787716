"""
The guide's own example payloads, as they stand in its text.

Source: guide, "Webhook Payload Structure" (three examples) and "Unit Tests" (the last one, written
there as a PHP array).
"""

from __future__ import annotations

from collections.abc import Mapping

_BOOKING_CREATED = """\
{
    "triggerEvent": "BOOKING_CREATED",
    "createdAt": "2025-01-15T10:00:00Z",
    "payload": {
        "type": "30min-consultation",
        "title": "30 Min Consultation with John Doe",
        "description": "",
        "additionalNotes": "First time patient",
        "customInputs": {},
        "startTime": "2025-01-20T14:00:00Z",
        "endTime": "2025-01-20T14:30:00Z",
        "organizer": {
            "id": 12345,
            "name": "Dr. Smith",
            "email": "dr.smith@clinic.com",
            "username": "drsmith",
            "timeZone": "Europe/Berlin",
            "language": {
                "locale": "de"
            }
        },
        "attendees": [
            {
                "email": "john.doe@example.com",
                "name": "John Doe",
                "timeZone": "Europe/Berlin",
                "language": {
                    "locale": "de"
                }
            }
        ],
        "location": "123 Main Street, Berlin",
        "destinationCalendar": {
            "id": 67890,
            "integration": "google_calendar",
            "externalId": "primary"
        },
        "hideCalendarNotes": false,
        "requiresConfirmation": false,
        "eventTypeId": 2026361,
        "seatsShowAttendees": false,
        "seatsPerTimeSlot": null,
        "uid": "abc-def-ghi-jkl",
        "conferenceCredentialId": null,
        "hostedBy": null,
        "metadata": {
            "askproai_appointment_id": "12345",
            "branch_id": "67",
            "source": "phone_ai"
        },
        "calcomBookingId": 987654,
        "rescheduleUid": "rst-uvw-xyz",
        "from": "2025-01-19T14:00:00Z",
        "to": "2025-01-19T14:30:00Z"
    }
}"""

_BOOKING_RESCHEDULED = """\
{
    "triggerEvent": "BOOKING_RESCHEDULED",
    "createdAt": "2025-01-16T10:00:00Z",
    "payload": {
        "type": "30min-consultation",
        "title": "30 Min Consultation with John Doe",
        "startTime": "2025-01-22T15:00:00Z",
        "endTime": "2025-01-22T15:30:00Z",
        "uid": "abc-def-ghi-jkl",
        "rescheduleUid": "new-rst-uvw-xyz",
        "calcomBookingId": 987654,
        "previousStartTime": "2025-01-20T14:00:00Z",
        "previousEndTime": "2025-01-20T14:30:00Z",
        "metadata": {
            "askproai_appointment_id": "12345",
            "reschedule_reason": "Patient requested different time"
        }
    }
}"""

_BOOKING_CANCELLED = """\
{
    "triggerEvent": "BOOKING_CANCELLED",
    "createdAt": "2025-01-17T10:00:00Z",
    "payload": {
        "type": "30min-consultation",
        "title": "30 Min Consultation with John Doe",
        "startTime": "2025-01-20T14:00:00Z",
        "endTime": "2025-01-20T14:30:00Z",
        "uid": "abc-def-ghi-jkl",
        "calcomBookingId": 987654,
        "cancellationReason": "Patient cancelled due to illness",
        "metadata": {
            "askproai_appointment_id": "12345",
            "cancelled_by": "patient"
        }
    }
}"""

_UNIT_TEST = """\
{"triggerEvent":"BOOKING_CREATED","payload":{"calcomBookingId":12345,"uid":"test-uid",\
"startTime":"2025-01-20T14:00:00Z","metadata":{"askproai_appointment_id":"999"}}}"""

#: The examples by the words that the feature files use.
EXAMPLES: Mapping[str, str] = {
    "BOOKING_CREATED": _BOOKING_CREATED,
    "BOOKING_RESCHEDULED": _BOOKING_RESCHEDULED,
    "BOOKING_CANCELLED": _BOOKING_CANCELLED,
    "the unit test's booking": _UNIT_TEST,
}
