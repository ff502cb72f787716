"""
A booking and everything Cal.com knows of it.

Pure data.  A booking is never changed: each action of `life.Calendar` makes the next one.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from mock_calcom.people import Person

#: The location that stands for Cal.com's own video calls.
CAL_VIDEO = "integrations:daily"


@dataclasses.dataclass(frozen=True, slots=True)
class EventType:
    """A bookable kind of meeting."""

    id: int
    slug: str
    title: str
    description: str = ""
    length: int = 30
    requires_confirmation: bool = False
    scheduling_type: str | None = None
    #: The id, name and members of the team that offers it, if any.
    team: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """A Cal Video room; its password is a token, so receivers redact it."""

    id: str
    password: str
    site: str = "meetco"


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """A question the host added to the booking form, and what the booker answered."""

    slug: str
    label: str
    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Booking:
    """One booking as it stands after an action."""

    uid: str
    id: int
    start: dt.datetime
    end: dt.datetime
    #: The status in Cal.com's database: ACCEPTED, PENDING, CANCELLED or REJECTED.
    status: str
    host: Person
    #: Who takes part: first the booker, then whoever was brought along.
    guests: tuple[Person, ...]
    event_type: EventType
    created_at: dt.datetime
    location: str = CAL_VIDEO
    room: Room | None = None
    #: The caller's own keys; `videoCallUrl` is added when the payload is made.
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: str | None = None
    #: The addresses the booker typed into the guests field.
    invited: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    price: int = 0
    currency: str = "usd"
    payment_id: int | None = None
    paid: bool = False
    #: The seat this action is about, and how many the slot has.
    seat_id: str | None = None
    seats_per_slot: int | None = None
    #: `{freq, count, interval}` and the id that the bookings of a series share.
    recurring: Mapping[str, Any] | None = None
    recurring_id: str | None = None
    #: The booking this one replaces (in the guide's dialect: its own earlier self).
    previous: Booking | None = None
    #: The guide's fresh id of the latest reschedule.
    reschedule_uid: str | None = None
    reschedule_reason: str | None = None
    rescheduled_by: str | None = None
    cancellation_reason: str | None = None
    cancelled_by: str | None = None
    rejection_reason: str | None = None
    one_time_password: str | None = None
    ical_uid: str | None = None
    ical_sequence: int = 0
    updated_at: dt.datetime | None = None
    idempotency_key: str | None = None
    #: The database id of the first attendee's row; the others follow.
    first_row: int = 1

    @property
    def booker(self) -> Person:
        """Who made the booking."""
        return self.guests[0]

    @property
    def minutes(self) -> int:
        """How long it lasts."""
        return int((self.end - self.start).total_seconds() // 60)

    @property
    def title(self) -> str:
        """The rendered event name, from the event type's default template."""
        return f"{self.event_type.title} between {self.host.name} and {self.booker.name}"

    @property
    def calendar_uid(self) -> str:
        """The iCalendar uid: made from the first uid and kept by later reschedules."""
        return self.ical_uid or f"{self.uid}@Cal.com"

    @property
    def video_url(self) -> str | None:
        """Where the call takes place, if it is a call."""
        if self.room:
            return f"https://app.cal.com/video/{self.uid}"
        return self.location if self.location.startswith(("http://", "https://")) else None

    @property
    def request_id(self) -> str:
        """Cal.com's `conferenceData` request id: a UUID made from the location alone."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.location))
