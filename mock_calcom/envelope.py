"""
How the sender wraps what a handler hands it.

Source: Cal.com `packages/features/webhooks/lib/sendPayload.ts`.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_calcom import times, triggers
from mock_calcom.javascript import UNDEFINED
from mock_calcom.payloads import ics

if TYPE_CHECKING:
    import datetime as dt

    from mock_calcom.occurrences import Occurrence
    from mock_calcom.profiles import Profile

#: The version of the subscription in which payloads carry iCalendar texts.
_ICS_VERSION = "2026-07-27"


def render(occurrence: Occurrence, created_at: dt.datetime, profile: Profile) -> dict[str, Any]:
    """
    The parsed body of a delivery of *occurrence*: `javascript.stringify` makes its bytes.

    A flat occurrence has no envelope, so *created_at* does not show in it.
    """
    if occurrence.flat:
        return {"triggerEvent": occurrence.trigger, **occurrence.payload}
    payload = mutated(occurrence, profile)
    # The root keys are spread first: they precede the envelope, yet cannot override it.
    return {
        **occurrence.root,
        "triggerEvent": occurrence.trigger,
        "createdAt": spelled(created_at, profile),
        "payload": payload,
    }


def spelled(created_at: dt.datetime, profile: Profile) -> str:
    """The envelope's `createdAt`: with milliseconds, but to the second in the guide."""
    return times.plain(created_at) if profile.dialect == "guide" else times.iso(created_at)


def mutated(occurrence: Occurrence, profile: Profile) -> dict[str, Any]:
    """The payload as the sender changes it just before it is written down."""
    payload = dict(occurrence.payload)
    # The guide's PING is Cal.com's; its other events are sent as its examples show them.
    foreign = profile.dialect == "guide" and occurrence.trigger != triggers.PING
    if foreign or not _is_event(occurrence):
        return payload
    _add_offsets(payload)
    _fall_back(payload)
    if profile.version == _ICS_VERSION and occurrence.trigger in triggers.WITH_ICS:
        _add_ics(payload, occurrence)
    return {key: value for key, value in payload.items() if value is not UNDEFINED}


def _is_event(occurrence: Occurrence) -> bool:
    """Cal.com's type guards: absences, no-show notes and credential errors pass unchanged."""
    payload = occurrence.payload
    credential = all(payload.get(key) for key in ("error", "credential", "user"))
    special = "oooEntry" in payload or "message" in payload or credential
    return occurrence.trigger not in triggers.GENERIC and not special


def _add_offsets(payload: dict[str, Any]) -> None:
    """`utcOffset` in minutes at the start of the slot, as the last key of each person."""
    organizer, attendees = payload.get("organizer"), payload.get("attendees")
    if organizer and organizer.get("timeZone"):
        payload["organizer"] = _with_offset(organizer, payload.get("startTime"))
    if attendees is not None:
        payload["attendees"] = [
            _with_offset(attendee, payload.get("startTime")) for attendee in attendees
        ]


def _with_offset(person: dict[str, Any], start: object) -> dict[str, Any]:
    zone, instant = person.get("timeZone"), times.parse(start)
    minutes = None if zone is None or instant is None else times.offset_minutes(instant, zone)
    return {**person, "utcOffset": minutes}


def _fall_back(payload: dict[str, Any]) -> None:
    """`description = description || additionalNotes`: an empty text is dropped without notes."""
    notes = payload.get("additionalNotes", UNDEFINED)
    if "description" in payload or notes is not UNDEFINED:
        payload["description"] = payload.get("description") or notes


def _add_ics(payload: dict[str, Any], occurrence: Occurrence) -> None:
    if occurrence.booking is None:
        return
    cancelled = occurrence.trigger == "BOOKING_CANCELLED"
    payload["attendeeIcsContent"] = ics.attendee_content(occurrence.booking, cancelled=cancelled)
    payload["organizerIcsContent"] = ics.organizer_content(occurrence.booking, cancelled=cancelled)
