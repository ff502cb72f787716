"""
An account at Cal.com: whose it is, what it offers, and how it speaks.

What the acts of `surroundings` and `life` are made of.  Pure.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from mock_calcom import announcements
from mock_calcom.bookings import CAL_VIDEO, Booking, EventType, Room
from mock_calcom.occurrences import Occurrence
from mock_calcom.payloads import guide
from mock_calcom.profiles import DEFAULT, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_calcom.ids import Ids
    from mock_calcom.people import People, Person

#: Bookable kinds of meeting: their title and slug.
_KINDS = (
    ("Intro call", "intro-call"),
    ("30 Min Meeting", "30min"),
    ("Beratung & Angebot", "beratung"),
    ("Discovery Call", "discovery"),
    ("Première consultation", "premiere-consultation"),
    ("Portfolio review", "portfolio-review"),
)

#: Where the guide's bookings take place.
_STREETS = ("Harbour Road", "Lindenallee", "Rue du Marché", "Calle Mayor", "Station Street")

_USUAL_MINUTES = 30
_QUARTER = dt.timedelta(minutes=15)


class Account:
    """A host with their event types and guests, told of by one kind of sender."""

    def __init__(self, people: People, ids: Ids, profile: Profile = DEFAULT) -> None:
        self.people = people
        self.ids = ids
        self.profile = profile
        self.host = people.host()
        self._slots = 0
        self._offered: dict[str, EventType] = {}

    def event_type(
        self, minutes: int = _USUAL_MINUTES, *, needs_confirmation: bool = False
    ) -> EventType:
        """A kind of meeting this host offers; each keeps its id and its slug."""
        title, slug = self.ids.chance.choice(_KINDS)
        if minutes != _USUAL_MINUTES:
            slug = f"{slug}-{minutes}"
        if needs_confirmation:
            slug = f"{slug}-on-request"
        if slug not in self._offered:
            self._offered[slug] = EventType(
                id=self.ids.booking_id(),
                slug=slug,
                title=title,
                length=minutes,
                requires_confirmation=needs_confirmation,
            )
        return self._offered[slug]

    def free_slot(self, at: dt.datetime) -> dt.datetime:
        """A quarter of an hour of a coming day that no earlier call has given away."""
        self._slots += 1
        day = at + dt.timedelta(days=1 + self._slots)
        quarter = self.ids.chance.randrange(8 * 4, 18 * 4)
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + quarter * _QUARTER

    def _placed(
        self,
        at: dt.datetime,
        kind: EventType,
        start: dt.datetime,
        minutes: int,
        guests: int,
    ) -> Booking:
        """A booking on its first day, before anybody has judged it."""
        people = self._party(guests)
        return Booking(
            uid=self.ids.uid(),
            id=self.ids.booking_id(),
            start=start,
            end=start + dt.timedelta(minutes=minutes),
            status="PENDING",
            host=self.host,
            guests=people,
            invited=tuple(person.email for person in people[1:]),
            event_type=kind,
            created_at=at,
            location=self._place(),
            reschedule_uid=self.ids.uid(),
            idempotency_key=self.ids.uuid(),
            first_row=self.ids.booking_id(),
        )

    def _party(self, size: int) -> tuple[Person, ...]:
        """The booker and whom they bring: of the latter Cal.com knows the addresses only."""
        booker = self.people.guest()
        others = (self.people.guest() for _ in range(size - 1))
        return (
            booker,
            *(
                dataclasses.replace(
                    other,
                    name="",
                    first_name="",
                    last_name="",
                    time_zone=booker.time_zone,
                    locale=booker.locale,
                )
                for other in others
            ),
        )

    def _place(self) -> str:
        if self.profile.dialect == "calcom":
            return CAL_VIDEO
        return f"{self.ids.chance.randrange(1, 200)} {self.ids.chance.choice(_STREETS)}"

    def _metadata(self, own: Mapping[str, str] | None) -> dict[str, str]:
        """The caller's keys; the guide's site adds two of its own to every booking."""
        keys = {key: str(value) for key, value in (own or {}).items()}
        if self.profile.dialect == "calcom":
            return keys
        branch = str(self.ids.chance.randrange(1, 100))
        appointment = (
            {guide.APPOINTMENT: keys[guide.APPOINTMENT]} if guide.APPOINTMENT in keys else {}
        )
        return {**appointment, "branch_id": branch, "source": "phone_ai", **keys}

    def _with_room(self, booking: Booking) -> Booking:
        """The booking with its call set up, where it is a Cal Video call."""
        if booking.location != CAL_VIDEO or booking.room:
            return booking
        payload = self.ids.token(24)
        room = Room(self.ids.token(10), f"eyJhbGciOiJIUzI1NiJ9.{payload}.{self.ids.token(43)}")
        return dataclasses.replace(booking, room=room)

    # --- telling ---------------------------------------------------------------------------------

    def _tell(
        self,
        trigger: str,
        at: dt.datetime,
        payload: dict[str, Any],
        *,
        booking: Booking | None = None,
        root: dict[str, Any] | None = None,
        flat: bool = False,
    ) -> list[Occurrence]:
        """The occurrence, unless this sender knows no such trigger and so keeps silent."""
        if trigger not in self.profile.triggers:
            return []
        return [Occurrence(trigger, at, payload, root or {}, flat, booking)]

    def _say(
        self,
        trigger: str,
        at: dt.datetime,
        booking: Booking,
        *,
        form: str | None = None,
        before: Booking | None = None,
    ) -> list[Occurrence]:
        """The occurrence of a booking's life, in the words of this sender."""
        if trigger not in self.profile.triggers:
            return []
        payload = announcements.payload(trigger, booking, self.profile, form=form, before=before)
        return self._tell(trigger, at, payload, booking=booking)
