"""
What the handlers need of a payload: the part of the contract that a receiver lives on.

Much less than Cal.com sends: whatever a handler does not read may be absent, null or new.
Validated by jsonschema-rs.  Messages name the place and the rule and never the value.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from reference_impl import instants

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT = {"type": ["string", "null"]}
_INSTANT = {"type": "string", "format": "instant"}
_INTEGER = {"type": ["integer", "null"]}

_FIELDS: dict[str, Any] = {
    "uid": _TEXT,
    "bookingId": _INTEGER,
    "calcomBookingId": {"anyOf": [_INTEGER, {"type": "string", "pattern": "^[0-9]{1,18}$"}]},
    "rescheduleUid": _TEXT,
    "title": _TEXT,
    "status": _TEXT,
    "cancellationReason": _TEXT,
    "rejectionReason": _TEXT,
    "attendeeSeatId": _TEXT,
    "seatsPerTimeSlot": _INTEGER,
    # CANCELLED carries "" when Cal.com's row has no time.
    "startTime": {"anyOf": [_INSTANT, {"enum": ["", None]}]},
    "endTime": {"anyOf": [_INSTANT, {"enum": ["", None]}]},
    "previousStartTime": {"anyOf": [_INSTANT, {"enum": ["", None]}]},
    "rescheduleStartTime": {"anyOf": [_INSTANT, {"enum": ["", None]}]},
    "attendees": {
        "type": ["array", "null"],
        "items": {"type": "object", "properties": {"email": _TEXT}},
    },
    "metadata": {
        "type": ["object", "null"],
        "properties": {"askproai_appointment_id": {"type": ["string", "integer", "null"]}},
    },
}

_NAMED_BY_UID = {"required": ["uid"], "properties": {"uid": {"type": "string", "minLength": 1}}}
_NUMBERED = [
    {"required": [name], "properties": {name: {"type": ["integer", "string"]}}}
    for name in ("bookingId", "calcomBookingId")
]
_NAMED = {"anyOf": [_NAMED_BY_UID, *_NUMBERED]}
_TIMED = {"required": ["startTime"], "properties": {"startTime": _INSTANT}}

_SLOT_TRIGGERS = (
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_RESCHEDULED",
    "BOOKING_PAYMENT_INITIATED",
)
_OTHER_TRIGGERS = ("BOOKING_CANCELLED", "BOOKING_CONFIRMED", "BOOKING_REJECTED", "BOOKING_PAID")

#: The triggers that have a handler.
HANDLED = frozenset({*_SLOT_TRIGGERS, *_OTHER_TRIGGERS, "FORM_SUBMITTED"})


def schema(trigger: str) -> dict[str, Any]:
    """What the payload of *trigger* must be for its handler, as a JSON Schema."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    if trigger == "FORM_SUBMITTED":
        return document
    rules = [_NAMED, _TIMED] if trigger in _SLOT_TRIGGERS else [_NAMED]
    return {**document, "properties": _FIELDS, "allOf": rules}


@functools.cache
def _validator(trigger: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema(trigger),
        validate_formats=True,
        formats={"instant": lambda text: instants.parse(text) is not None},
    )


def unmet(trigger: str, payload: Mapping[str, Any]) -> str | None:
    """What *payload* lacks for the handler of *trigger*, or `None` when it has all."""
    validator = _validator(trigger)
    # The library translates all it is given, read or not: that takes longer than to judge it.
    read = {name: payload[name] for name in _FIELDS if name in payload}
    if validator.is_valid(read):
        return None
    problem = next(iter(validator.iter_errors(read)))
    place = ".".join(["payload", *(str(step) for step in problem.instance_path)])
    rule = next((str(step) for step in reversed(problem.schema_path) if isinstance(step, str)), "")
    if place == "payload" and rule == "anyOf":
        return "payload names no booking: neither uid nor booking id"
    if place == "payload" and rule == "required":
        return "payload lacks startTime"
    return f"{place} is not usable ({rule})"
