"""
One well-formed occurrence of each trigger, with the history it needs.

Pure.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from mock_calcom import triggers

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_calcom.bookings import Booking
    from mock_calcom.life import Calendar
    from mock_calcom.occurrences import Occurrence


def any_of(calendar: Calendar, trigger: str, at: dt.datetime) -> Occurrence:
    """
    An occurrence of *trigger* in the life of *calendar*.

    Raises:
        KeyError: if there is no such trigger.
    """
    told = _SCENES[trigger](calendar, at)
    return next(occurrence for occurrence in told if occurrence.trigger == trigger)


def _earlier(at: dt.datetime) -> dt.datetime:
    """When what had to happen before took place."""
    return at - dt.timedelta(hours=3)


def _standing(calendar: Calendar, at: dt.datetime) -> Booking:
    return _of(calendar.book(_earlier(at), notes='Bring the "Q3" deck'))


def _pending(calendar: Calendar, at: dt.datetime) -> Booking:
    return _of(calendar.book(_earlier(at), needs_confirmation=True))


def _unpaid(calendar: Calendar, at: dt.datetime) -> Booking:
    return _of(calendar.book(_earlier(at), price=4500))


def _of(told: list[Occurrence]) -> Booking:
    booking = told[-1].booking
    assert booking is not None
    return booking


def _credential(trigger: str) -> Callable[[Calendar, dt.datetime], list[Occurrence]]:
    return lambda calendar, at: calendar.credential(trigger, at)


_SCENES: dict[str, Callable[[Calendar, dt.datetime], list[Occurrence]]] = {
    "BOOKING_CREATED": lambda c, at: c.book(at),
    "BOOKING_PAYMENT_INITIATED": lambda c, at: c.book(at, price=4500),
    "BOOKING_PAID": lambda c, at: c.pay(_unpaid(c, at), at),
    "BOOKING_RESCHEDULED": lambda c, at: c.reschedule(_standing(c, at), at, c.free_slot(at)),
    "BOOKING_REQUESTED": lambda c, at: c.book(at, needs_confirmation=True),
    "BOOKING_CONFIRMED": lambda c, at: c.confirm(_pending(c, at), at),
    "BOOKING_CANCELLED": lambda c, at: c.cancel(_standing(c, at), at),
    "BOOKING_REJECTED": lambda c, at: c.reject(_pending(c, at), at),
    "BOOKING_NO_SHOW_UPDATED": lambda c, at: c.no_show(_standing(c, at), at),
    "BOOKING_LOCATION_UPDATED": lambda c, at: c.relocate(_standing(c, at), at),
    "BOOKING_REASSIGNED": lambda c, at: c.reassign(_standing(c, at), at),
    "FORM_SUBMITTED": lambda c, at: c.submit_form(at),
    "FORM_SUBMITTED_NO_EVENT": lambda c, at: c.leave_form(at),
    "ROUTING_FORM_FALLBACK_HIT": lambda c, at: c.miss_route(at),
    "MEETING_STARTED": lambda c, at: c.start_meeting(_standing(c, at), at),
    "MEETING_ENDED": lambda c, at: c.end_meeting(_standing(c, at), at),
    "RECORDING_READY": lambda c, at: c.record(_standing(c, at), at),
    "RECORDING_TRANSCRIPTION_GENERATED": lambda c, at: c.transcribe(_standing(c, at), at),
    "INSTANT_MEETING": lambda c, at: c.call_now(_standing(c, at), at),
    "INSTANT_MEETING_ACCEPTED": lambda c, at: c.accept_call(_standing(c, at), at),
    "OOO_CREATED": lambda c, at: c.out_of_office(at),
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW": lambda c, at: c.hosts_absent(_standing(c, at), at),
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": lambda c, at: c.guests_absent(_standing(c, at), at),
    "WRONG_ASSIGNMENT_REPORT": lambda c, at: c.report_assignment(_standing(c, at), at),
    "DELEGATION_CREDENTIAL_ERROR": _credential("DELEGATION_CREDENTIAL_ERROR"),
    "DELEGATION_CREDENTIAL_SECRET_ROTATED": _credential("DELEGATION_CREDENTIAL_SECRET_ROTATED"),
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED": _credential(
        "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED"
    ),
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED": _credential(
        "DELEGATION_CREDENTIAL_ROTATION_REQUIRED"
    ),
    "CALENDAR_ENTRY_REJECTED": lambda c, at: c.decline_entry(_standing(c, at), at),
    triggers.PING: lambda c, at: c.ping(at),
}
