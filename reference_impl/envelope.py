"""
The envelope: what a body says, before anything is done about it.

Pure: bytes in, `Envelope` out.  One parser reads a body, once, so nobody can disagree about it:
of repeated names the last one counts, integers are exact within 64 bits, and beyond that they are
numbers without being integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from reference_impl import instants

#: The two triggers Cal.com sends without a payload: the booking's row lies at the root.
FLAT = frozenset({"MEETING_STARTED", "MEETING_ENDED"})


#: Up to here a floating number names one integer only.
_EXACT = 2.0**53


class InvalidPayloadError(ValueError):
    """The body is not an envelope; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed body."""

    trigger: str
    payload: dict[str, Any]
    flat: bool = False
    #: The whole parsed body.
    root: dict[str, Any] = field(default_factory=dict)
    #: What the delivery that brought it is known by, once it is in the inbox.
    webhook_id: str | None = None

    @property
    def created_at(self) -> int | None:
        """When the sender says it happened, or `None` when it does not say so legibly."""
        # Of a flat one, the root's `createdAt` is the booking's, not the time of the event.
        return None if self.flat else instants.parse(self.root.get("createdAt"))

    @property
    def uid(self) -> str | None:
        """The booking's uid, wherever this trigger keeps it."""
        for key in ("uid", "bookingUid"):
            value = self.payload.get(key)
            if isinstance(value, str) and value:
                return value
        return None

    @property
    def booking_id(self) -> int | None:
        """The booking's number: the guide's `calcomBookingId`, Cal.com's `bookingId`."""
        for key in ("id",) if self.flat else ("calcomBookingId", "bookingId"):
            number = integer(self.payload.get(key))
            if number is not None:
                return number
        return None

    @property
    def dialect(self) -> str:
        """Which of the two senders wrote this: `guide` or `calcom`."""
        if "calcomBookingId" in self.payload:
            return "guide"
        # A payload with neither number is what the guide's own tests send.
        return "calcom" if {"bookingId", "formId"} & self.payload.keys() else "guide"


def integer(value: object) -> int | None:
    """*value* as an exact integer when it is one, or its decimal digits; else `None`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    # 18 digits: any longer text could name a number the store cannot hold.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def read(body: bytes, webhook_id: str | None = None) -> Envelope:
    """
    The envelope in *body*, which the delivery of this *webhook_id* brought.

    Raises:
        InvalidPayloadError: if it is not a JSON object with a `triggerEvent` and a `payload`,
            and not a flat meeting event either.
    """
    try:
        root = orjson.loads(body)
    except orjson.JSONDecodeError:
        # The decoder's message may quote the body.
        raise InvalidPayloadError("the body is not JSON") from None
    if not isinstance(root, dict):
        raise InvalidPayloadError("the body is not a JSON object")
    trigger = root.get("triggerEvent")
    if not isinstance(trigger, str) or not trigger:
        raise InvalidPayloadError("triggerEvent is missing")
    payload = root.get("payload")
    if isinstance(payload, dict) and payload:
        return Envelope(trigger, payload, root=root, webhook_id=webhook_id)
    uid = root.get("uid")
    if trigger in FLAT and "payload" not in root and isinstance(uid, str) and uid:
        return Envelope(trigger, root, flat=True, root=root, webhook_id=webhook_id)
    raise InvalidPayloadError("payload is missing or empty")
