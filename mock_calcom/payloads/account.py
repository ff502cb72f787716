"""
What concerns an account rather than one ordinary booking.

Instant meetings, absences, reports of a wrong host, delegation credentials, a declined calendar
entry, and the test button.  Source: Cal.com `handleInstantMeeting.ts`,
`outOfOfficeCreateOrUpdate.handler.ts`, `testTrigger.handler.ts`, and the documentation of 2026.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from mock_calcom import times
from mock_calcom.payloads import parts

if TYPE_CHECKING:
    from mock_calcom.bookings import Booking
    from mock_calcom.payloads.parts import Payload
    from mock_calcom.people import Person


def instant_meeting(booking: Booking, token: str) -> Payload:
    """Somebody waits in a call for whichever host comes first; answers are bare values."""
    return {
        "triggerEvent": "INSTANT_MEETING",
        "uid": booking.uid,
        "responses": {
            "name": booking.booker.name,
            "email": booking.booker.email,
            "notes": booking.notes,
            "guests": [],
        },
        "connectAndJoinUrl": f"https://app.cal.com/connect-and-join?token={token}",
        "eventTypeId": booking.event_type.id,
        "eventTypeTitle": booking.event_type.title,
        "customInputs": {},
    }


def instant_meeting_accepted(booking: Booking) -> Payload:
    """The first host has joined."""
    guest = booking.booker
    host = parts.organizer(booking.host)
    host.pop("usernameInOrg", None)
    return {
        "bookingId": booking.id,
        "bookingUid": booking.uid,
        "eventTypeId": booking.event_type.id,
        "status": "ACCEPTED",
        "title": booking.title,
        "startTime": times.iso(booking.start),
        "endTime": times.iso(booking.end),
        "organizer": host,
        "attendees": [
            {
                "email": guest.email,
                "name": guest.name,
                "timeZone": guest.time_zone,
                "language": parts.language(guest),
            }
        ],
        "responses": {
            "name": {"label": "your_name", "value": guest.name},
            "email": {"label": "email_address", "value": guest.email},
        },
        "location": booking.location,
        "metadata": parts.metadata(booking),
    }


def out_of_office(
    host: Person,
    stand_in: Person | None,
    at: dt.datetime,
    *,
    entry_id: int,
    entry_uuid: str,
    first: dt.date,
    days: int,
) -> Payload:
    """A host will be away for so many *days*, the whole of each on their own wall clock."""
    zone = host.time_zone or "Europe/London"
    start = times.midnight(first, zone)
    # Whole days of the wall clock, whatever daylight saving does between them.
    end = start + dt.timedelta(days=days, seconds=-1)
    return {
        "oooEntry": {
            "id": entry_id,
            "start": times.zoned(start, zone),
            "end": times.zoned(end, zone),
            "createdAt": times.iso(at),
            "updatedAt": times.iso(at),
            "notes": None,
            "reason": {"emoji": "🏝️", "reason": "ooo_reasons_vacation"},
            "reasonId": 2,
            "user": _account(host),
            "toUser": _account(stand_in) if stand_in else None,
            "uuid": entry_uuid,
        }
    }


def wrong_assignment(booking: Booking, reporter: Person, reason: str, team_id: int) -> Payload:
    """*reporter* says that the routing form gave this booking to the wrong host."""
    kind = booking.event_type
    return {
        "booking": {
            "uid": booking.uid,
            "id": booking.id,
            "title": booking.title,
            "startTime": times.iso(booking.start),
            "endTime": times.iso(booking.end),
            "status": booking.status,
            "eventType": {
                "id": kind.id,
                "title": kind.title,
                "slug": kind.slug,
                "teamId": team_id,
            },
        },
        "report": {
            "reportedBy": {"id": reporter.id, "email": reporter.email, "name": reporter.name},
            "routingReason": reason,
            "guest": booking.booker.email,
            "host": {"email": booking.host.email, "name": booking.host.name},
            "correctAssignee": reporter.email,
            "additionalNotes": None,
        },
    }


def credential_error(credential: str, host: Person, organization_id: int) -> Payload:
    """A delegated calendar can no longer be reached."""
    return {
        "error": {"type": "CalendarAppDelegationCredentialError", "message": "Account suspended"},
        "credential": {
            "id": -1,
            "type": "google_calendar",
            "appId": "google-calendar",
            "delegationCredentialId": credential,
        },
        "user": {"id": host.id, "email": host.email, "organizationId": organization_id},
    }


def credential(
    credential_id: str, host: Person, organization_id: int, expires: dt.datetime
) -> Payload:
    """The state of a delegation credential: rotated, or in need of it."""
    return {
        "delegationCredential": {
            "id": credential_id,
            "workspacePlatform": "office365",
            "domain": host.email.partition("@")[2],
            "organizationId": organization_id,
            "secretExpiresAt": times.iso(expires),
        }
    }


def credential_rotation_failed(
    credential_id: str, host: Person, organization_id: int, expires: dt.datetime
) -> Payload:
    """A delegation credential that could not be renewed."""
    return {
        **credential(credential_id, host, organization_id, expires),
        "error": {"code": "SECRET_MINT_FAILED", "message": "Could not create a client secret"},
    }


def calendar_entry_rejected(booking: Booking) -> Payload:
    """An invitation was declined in a calendar (shape unverified: only the name is public)."""
    return {
        "bookingUid": booking.uid,
        "bookingId": booking.id,
        "title": booking.title,
        "startTime": times.iso(booking.start),
        "endTime": times.iso(booking.end),
        "attendee": {"email": booking.booker.email, "name": booking.booker.name},
    }


def ping(at: dt.datetime, locale: str = "en") -> Payload:
    """The test button's tiny booking, with Cal.com's own two people and without a uid."""
    now = times.iso(at)
    return {
        "type": "Test",
        "title": "Test trigger event",
        # Dropped by the sender, because there are no notes to fall back to.
        "description": "",
        "startTime": now,
        "endTime": now,
        "attendees": [
            {
                "email": "jdoe@example.com",
                "name": "John Doe",
                "timeZone": "Europe/London",
                "language": {"locale": locale},
            }
        ],
        "organizer": {
            "name": "Cal",
            "email": "no-reply@cal.com",
            "timeZone": "Europe/London",
            "language": {"locale": locale},
        },
    }


def _account(person: Person) -> Payload:
    return {
        "id": person.id,
        "name": person.name,
        "username": person.username,
        "email": person.email,
        "timeZone": person.time_zone,
    }
