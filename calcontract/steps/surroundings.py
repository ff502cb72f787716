"""Given, When, Then: what happens beside a booking, and the clocks that its people live by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from pytest_bdd import given, parsers, then, when

from calcontract.deliveries import Item
from calcontract.judges import effects
from calcontract.steps.happenings import book
from calcontract.stimuli import named
from calcontract.story import Story
from mock_calcom.bookings import Booking
from mock_calcom.life import Calendar
from mock_calcom.occurrences import Occurrence


class OneSlot(Calendar):
    """An account whose every booking is for one and the same slot, as a team's may be."""

    _slot: dt.datetime | None = None

    def free_slot(self, at: dt.datetime) -> dt.datetime:
        """The one slot there is."""
        self._slot = self._slot or super().free_slot(at)
        return self._slot


@given("another booking for the same slot that the receiver knows")
def _same_slot(story: Story) -> None:
    story.calendar = OneSlot(story.target.people, story.target.ids, story.subscription.profile)
    item = story.tell("bystander", book(story, "created"))
    story.send(item)
    story.bystander = (item, story.look())
    # It is no part of the story: "the booking" is the other one.
    del story.items["bystander"]


@given(
    parsers.re(r"its people live in (?P<zone>\S+), at an offset of (?P<minutes>-?\d+) minutes$"),
    converters={"minutes": int},
)
def _people_live_in(story: Story, zone: str, minutes: int) -> None:
    def move(envelope: dict[str, Any]) -> dict[str, Any]:
        payload = envelope["payload"]
        for person in (payload["organizer"], *payload["attendees"]):
            person.update(timeZone=zone, utcOffset=minutes)
        return envelope

    story.rewrite(story.it, move, lawful=True)


_Act = Callable[[Calendar, Booking, dt.datetime], list[Occurrence]]

_ACTS: Mapping[str, _Act] = {
    "MEETING_STARTED": lambda calendar, booking, at: calendar.start_meeting(booking, at),
    "MEETING_ENDED": lambda calendar, booking, at: calendar.end_meeting(booking, at),
    "BOOKING_NO_SHOW_UPDATED": lambda calendar, booking, at: calendar.no_show(booking, at),
    "RECORDING_READY": lambda calendar, booking, at: calendar.record(booking, at),
    "RECORDING_TRANSCRIPTION_GENERATED": lambda calendar, booking, at: calendar.transcribe(
        booking, at
    ),
    "AFTER_HOSTS_CAL_VIDEO_NO_SHOW": lambda calendar, booking, at: calendar.hosts_absent(
        booking, at
    ),
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": lambda calendar, booking, at: calendar.guests_absent(
        booking, at
    ),
    "WRONG_ASSIGNMENT_REPORT": lambda calendar, booking, at: calendar.report_assignment(
        booking, at
    ),
    "OOO_CREATED": lambda calendar, _, at: calendar.out_of_office(at),
}


@given(parsers.re(r"an? (?P<trigger>[A-Z_]+) event beside it$"))
def _beside(story: Story, trigger: str) -> None:
    act = named(_ACTS, trigger, "event beside a booking")
    story.tell("beside", act(story.calendar, story.it.booking, story.now())[0])


@when("Cal.com calls off the second of them alone")
def _call_off_second(story: Story) -> None:
    second = _second(story)
    story.look()
    told = story.calendar.cancel(second.booking, story.now())[0]
    story.send(story.tell("cancelled", told))


def _second(story: Story) -> Item:
    return story.named("created 1")


@then("the second of them is over and each of the others is live")
def _others_live(story: Story) -> None:
    gone = _second(story)
    effects.over(story.look_at([gone.uid]), status=None)
    for item in list(story.items.values()):
        if item.uid != gone.uid:
            booking = item.booking
            look = story.look_at([item.uid])
            effects.live_once(look, start=booking.start, end=booking.end)
