"""
The kinds of occurrence that Cal.com announces.

Source: Cal.com API reference, "Create a webhook" (28 values in 2026), and the guide's "Supported
Events".  BOOKING_CONFIRMED is the guide's alone: no Cal.com has ever sent it.
"""

from __future__ import annotations

#: Every trigger a subscription of the real Cal.com can name, in its documented order.
TRIGGERS: tuple[str, ...] = (
    "BOOKING_CREATED",
    "BOOKING_PAYMENT_INITIATED",
    "BOOKING_PAID",
    "BOOKING_RESCHEDULED",
    "BOOKING_REQUESTED",
    "BOOKING_CANCELLED",
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
)

#: The eight events of the guide, in the order of its table.
GUIDE_TRIGGERS: tuple[str, ...] = (
    "BOOKING_CREATED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_CONFIRMED",
    "BOOKING_REJECTED",
    "BOOKING_REQUESTED",
    "BOOKING_PAYMENT_INITIATED",
    "FORM_SUBMITTED",
)

#: What the "Ping test" button sends; it cannot be subscribed to.
PING = "PING"

#: Sent as one flat object, without `payload` and without a `createdAt` of the envelope.
FLAT: frozenset[str] = frozenset({"MEETING_STARTED", "MEETING_ENDED"})

#: Sent by Cal.com's generic sender: no `utcOffset`, no description fallback.
GENERIC: frozenset[str] = frozenset(
    {
        "FORM_SUBMITTED",
        "FORM_SUBMITTED_NO_EVENT",
        "ROUTING_FORM_FALLBACK_HIT",
        "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
        "AFTER_GUESTS_CAL_VIDEO_NO_SHOW",
        "INSTANT_MEETING",
        "WRONG_ASSIGNMENT_REPORT",
    }
)

#: The triggers whose payload may carry iCalendar text in version 2026-07-27.
WITH_ICS: frozenset[str] = frozenset(
    {
        "BOOKING_CREATED",
        "BOOKING_RESCHEDULED",
        "BOOKING_REASSIGNED",
        "BOOKING_CANCELLED",
        "BOOKING_PAID",
    }
)
