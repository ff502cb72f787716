"""
The iCalendar texts of version 2026-07-27.

Source: Cal.com API reference, "Create a webhook", version 2026-07-27.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_calcom.bookings import Booking


def attendee_content(booking: Booking, *, cancelled: bool = False) -> str:
    """The invitation as the booker's calendar gets it."""
    guest = booking.booker
    line = (
        f"ATTENDEE;CN={guest.name};ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE"
        f":mailto:{guest.email}"
    )
    return _calendar(booking, line, cancelled=cancelled)


def organizer_content(booking: Booking, *, cancelled: bool = False) -> str:
    """The invitation as the host's calendar gets it."""
    host = booking.host
    line = f"ATTENDEE;CN={host.name};ROLE=CHAIR;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:{host.email}"
    return _calendar(booking, line, cancelled=cancelled)


def _calendar(booking: Booking, attendee: str, *, cancelled: bool) -> str:
    host = booking.host
    return "\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            f"METHOD:{'CANCEL' if cancelled else 'REQUEST'}",
            "BEGIN:VEVENT",
            f"UID:{booking.calendar_uid}",
            f"SEQUENCE:{booking.ical_sequence}",
            *(["STATUS:CANCELLED"] if cancelled else []),
            f"ORGANIZER;CN={host.name}:mailto:{host.email}",
            attendee,
            "END:VEVENT",
            "END:VCALENDAR",
        ]
    )
