"""
Something that happened in Cal.com, once.

Pure data: the payload as the handler hands it to the sender, before the envelope is made.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt

    from mock_calcom.bookings import Booking


@dataclasses.dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence: its trigger, its instant and what Cal.com says of it."""

    trigger: str
    at: dt.datetime
    payload: dict[str, Any]
    #: Keys that Cal.com repeats at the root of the body (FORM_SUBMITTED).
    root: dict[str, Any] = dataclasses.field(default_factory=dict)
    #: Whether the body is one flat object without an envelope (MEETING_*).
    flat: bool = False
    #: The booking as it is after the occurrence; nothing for forms, absences and the like.
    booking: Booking | None = None

    @property
    def uid(self) -> str | None:
        """The uid of the booking it is about, wherever this trigger keeps it."""
        for key in ("uid", "bookingUid"):
            value = self.payload.get(key)
            if isinstance(value, str):
                return value
        return self.booking.uid if self.booking else None
