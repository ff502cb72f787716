"""
The triggers that Cal.com is known to send.

Source: Cal.com API reference, "Create a webhook".  More may come any day: whatever is not here is
taken all the same, and is only counted together.
"""

from __future__ import annotations

#: What the "Ping test" button of a subscription sends.
PING = "PING"

#: Every trigger that a subscription can name, the guide's BOOKING_CONFIRMED, and the test.
KNOWN = frozenset(
    {
        "BOOKING_CREATED",
        "BOOKING_PAYMENT_INITIATED",
        "BOOKING_PAID",
        "BOOKING_RESCHEDULED",
        "BOOKING_REQUESTED",
        "BOOKING_CANCELLED",
        "BOOKING_CONFIRMED",
        "BOOKING_REJECTED",
        "BOOKING_NO_SHOW_UPDATED",
        "BOOKING_LOCATION_UPDATED",
        "BOOKING_REASSIGNED",
        "FORM_SUBMITTED",
        "FORM_SUBMITTED_NO_EVENT",
        "ROUTING_FORM_FALLBACK_HIT",
        "MEETING_STARTED",
        "MEETING_ENDED",
        "RECORDING_READY",
        "RECORDING_TRANSCRIPTION_GENERATED",
        "INSTANT_MEETING",
        "INSTANT_MEETING_ACCEPTED",
        "OOO_CREATED",
        "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
        "AFTER_GUESTS_CAL_VIDEO_NO_SHOW",
        "WRONG_ASSIGNMENT_REPORT",
        "DELEGATION_CREDENTIAL_ERROR",
        "DELEGATION_CREDENTIAL_SECRET_ROTATED",
        "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED",
        "DELEGATION_CREDENTIAL_ROTATION_REQUIRED",
        "CALENDAR_ENTRY_REJECTED",
        PING,
    }
)
