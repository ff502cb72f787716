"""Given: what happens in Cal.com."""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping

from pytest_bdd import given, parsers

from calcontract.deliveries import Item
from calcontract.errors import CatalogueError, NotApplicable
from calcontract.stimuli import named
from calcontract.stimuli.examples import EXAMPLES
from calcontract.story import Story
from mock_calcom import delivery as deliveries
from mock_calcom.occurrences import Occurrence

#: The metadata key that carries the number of an appointment of ours (guide).
APPOINTMENT_KEY = "askproai_appointment_id"

#: A trigger event's name; the article before it depends on its first letter.
_TRIGGER = r"an? (?P<trigger>[A-Z_]+)"

#: How long before its own number an appointment that nobody knows is said to be.
_NOBODYS = "999000999"


def book(story: Story, name: str, appointment: str | None = None) -> Occurrence:
    """The beginning of a booking, by its *name*."""
    metadata = {APPOINTMENT_KEY: appointment} if appointment else None
    at = story.now()
    match name:
        case "requested":
            return story.calendar.book(at, needs_confirmation=True, metadata=metadata)[0]
        case "payment initiated":
            return story.calendar.book(at, price=4500, metadata=metadata)[0]
        case "created with a seat":
            return story.calendar.book(at, seats=8, metadata=metadata)[0]
        case _:
            return story.calendar.book(at, metadata=metadata)[0]


def _latest(story: Story) -> Occurrence:
    occurrence = story.it.occurrence
    if occurrence is None or occurrence.booking is None:
        raise CatalogueError("the life of a booking starts with the booking")
    return occurrence


_BEGINNINGS = ("created", "requested", "payment initiated", "created with a seat")


def _move(story: Story, start: dt.datetime | None = None) -> Occurrence:
    booking = _latest(story).booking
    assert booking is not None
    return story.calendar.reschedule(booking, story.now(), start or story.later(booking))[0]


def _ask_to_move(story: Story) -> Occurrence:
    booking = _latest(story).booking
    assert booking is not None
    strict = dataclasses.replace(booking.event_type, requires_confirmation=True)
    booking = dataclasses.replace(booking, event_type=strict)
    return story.calendar.reschedule(booking, story.now(), story.later(booking))[0]


def _cancel(story: Story, reason: str | None = "No longer needed") -> Occurrence:
    # A seated booking is called off as it was when it was made, with everybody in it.
    first = next(iter(story.items.values()))
    whole = first if first.name == "created with a seat" else story.it
    booking = whole.booking
    guests = booking.guests
    if booking.seats_per_slot:
        others = [item.booking.guests for item in story.items.values() if item is not whole]
        guests = (*guests, *(guest for group in others for guest in group))
    booking = dataclasses.replace(booking, guests=guests)
    return story.calendar.cancel(booking, story.now(), reason)[0]


def _decide(story: Story, verdict: str) -> Occurrence:
    booking = _latest(story).booking
    assert booking is not None
    actions: Mapping[str, Callable[[], list[Occurrence]]] = {
        "confirmed": lambda: story.calendar.confirm(booking, story.now()),
        "rejected": lambda: story.calendar.reject(booking, story.now()),
        "called off by the host": lambda: story.calendar.request_reschedule(booking, story.now()),
        "joined by another guest": lambda: story.calendar.seat(booking, story.now()),
        # Of a booking with seats only the guest moves who is told of.
        "moved for a guest": lambda: [_move(story)],
        "left by a guest": lambda: story.calendar.cancel_seat(booking, story.now()),
        "paid for": lambda: story.calendar.pay(booking, story.now()),
    }
    return named(actions, verdict, "event of a booking")()[0]


def _live(story: Story, name: str, appointment: str | None) -> None:
    """Let the next event called *name* happen to the booking."""
    if name in _BEGINNINGS:
        occurrence = book(story, name, appointment)
    elif name == "rescheduled back":
        occurrence = _move(story, next(iter(story.items.values())).booking.start)
    elif name.startswith("rescheduled"):
        occurrence = _move(story)
    elif name == "asked to move":
        occurrence = _ask_to_move(story)
    elif name == "cancelled":
        occurrence = _cancel(story)
    elif name == "cancelled without a reason":
        occurrence = _cancel(story, None)
    elif name == "paid":
        # PAID is announced together with CREATED, right after it (Cal.com handleConfirmation.ts).
        request = story.named("payment initiated").booking
        created = story.named("paid for").occurrence
        assert created is not None
        told = story.calendar.pay(request, created.at)
        occurrence = dataclasses.replace(told[1], at=created.at + dt.timedelta(milliseconds=3))
    else:
        occurrence = _decide(story, name)
    story.tell(name, occurrence)


def lead(story: Story, life: str, appointment: str | None = None) -> None:
    """Let a booking have the *life* that is told in words."""
    for name in life.split(", "):
        _live(story, name, appointment)


#: A life in words, without the remarks that may follow it.
LIFE = (
    r"(?P<life>(?:(?:created|requested|payment initiated|confirmed|rejected|rescheduled|cancelled|"
    r"paid|joined|left|moved|called off|asked)[a-z ]*(?:, )?)+?)"
)


@given(parsers.re(_TRIGGER + r" delivery$"))
def _a_delivery(story: Story, trigger: str) -> None:
    if trigger == "BOOKING_CREATED":
        story.tell("created", book(story, "created"))
    else:
        story.tell(trigger, story.calendar.any_of(trigger, story.now()))


@given(parsers.re(_TRIGGER + r" delivery, which the receiver is declared not to handle$"))
def _unhandled(story: Story, trigger: str) -> None:
    if story.target.handles(trigger):
        raise NotApplicable(f"the receiver handles {trigger}", reason="does-not-arise")
    # Its absence of effects is what is looked at here.
    story.about_effects = False
    _a_delivery(story, trigger)


@given(parsers.re(r"a last (?P<trigger>[A-Z_]+) delivery$"))
def _a_last_delivery(story: Story, trigger: str) -> None:
    _a_delivery(story, trigger)


@given(parsers.re(_TRIGGER + r" delivery as sent by (?P<sender>\S+)$"))
def _a_delivery_of_a_sender(story: Story, trigger: str, sender: str) -> None:
    story.use_sender(sender)
    _a_delivery(story, trigger)


@given(
    parsers.re(
        r"(?P<count>\d+) (?P<trigger>[A-Z_]+) deliveries$",
    ),
    converters={"count": int},
)
def _some_deliveries(story: Story, count: int, trigger: str) -> None:
    name = "requested" if trigger == "BOOKING_REQUESTED" else "created"
    for number in range(count):
        story.tell(f"{name} {number}", book(story, name))


@given(
    parsers.re(r"(?P<count>\d+) BOOKING_CREATED deliveries of the same person$"),
    converters={"count": int},
)
def _of_one_person(story: Story, count: int) -> None:
    story.same_guest()
    _some_deliveries(story, count, "BOOKING_CREATED")


@given("2 BOOKING_CREATED deliveries that differ in uid and booking id alone")
def _twins(story: Story) -> None:
    first = story.tell("created 0", book(story, "created"))
    uid, number = story.target.ids.uid(), story.target.ids.booking_id()
    booking = dataclasses.replace(first.booking, uid=uid, id=number)
    body = first.lawful.body.replace(first.uid.encode(), uid.encode())
    body = body.replace(str(first.booking.id).encode(), str(number).encode())
    assert first.occurrence is not None
    occurrence = dataclasses.replace(first.occurrence, booking=booking)
    signed = deliveries.from_body(body, story.subscription, trigger=first.trigger, uid=uid)
    story.keep(Item("created 1", occurrence, signed, signed))


@given(parsers.re(r"a recurring series of (?P<count>\d+) bookings$"), converters={"count": int})
def _a_series(story: Story, count: int) -> None:
    for number, occurrence in enumerate(story.calendar.series(story.now(), count)):
        story.tell(f"created {number}", occurrence)


@given(parsers.re(rf"a booking that is {LIFE}$"))
def _a_life(story: Story, life: str) -> None:
    lead(story, life)


@given(parsers.re(rf"a booking that is {LIFE}, as sent by (?P<sender>\S+)$"))
def _a_life_by(story: Story, life: str, sender: str) -> None:
    story.use_sender(sender)
    lead(story, life)


@given(parsers.re(rf"a booking that is {LIFE}, all within one millisecond$"))
def _a_life_at_once(story: Story, life: str) -> None:
    story.stand_still()
    lead(story, life)


@given(
    parsers.re(
        rf"a booking that is {LIFE}, "
        r"for (?P<whose>our appointment|an appointment that nobody knows)$"
    )
)
def _a_life_for(story: Story, life: str, whose: str) -> None:
    if whose == "our appointment":
        lead(story, life, story.appointment)
    else:
        lead(story, life, f"{_NOBODYS}{story.target.ids.booking_id()}")


@given("a booking that the receiver knows")
def _a_known_booking(story: Story) -> None:
    story.send(story.tell("created", book(story, "created")))
    story.look()


@given("a cancellation of it")
def _a_cancellation(story: Story) -> None:
    story.tell("cancelled", _cancel(story))


@given("another booking of the same person that the receiver knows")
def _a_bystander(story: Story) -> None:
    story.same_guest()
    item = story.tell("bystander", book(story, "created"))
    story.send(item)
    story.bystander = (item, story.look())
    # It is no part of the story: "the booking" is the other one.
    del story.items["bystander"]


@given("an appointment of ours")
def _our_appointment(story: Story) -> None:
    story.appointment = str(story.target.ids.booking_id())
    story.target.set_state("appointment exists", id=story.appointment)


#: A slot is at least so far away.
_AHEAD = dt.timedelta(days=1)


def _sunday(now: dt.datetime, month: int, number: int, *, hour: int) -> dt.datetime:
    """The next one after *now* of the *number*th Sundays of *month*; the last one if it is 5."""
    for year in (now.year, now.year + 1):
        days = [week[calendar.SUNDAY] for week in calendar.monthcalendar(year, month)]
        sundays = [day for day in days if day]
        # The fifth where there is one: elsewhere the fourth is the last.
        at = now.replace(year=year, month=month, day=sundays[min(number, len(sundays)) - 1])
        if (at := at.replace(hour=hour)) > now + _AHEAD:
            break
    return at


def _leap_day(now: dt.datetime, *, hour: int) -> dt.datetime:
    """The next 29th of February after *now*."""
    year = now.year
    while not calendar.isleap(year) or dt.date(year, 2, 28) <= now.date():
        year += 1
    return now.replace(year=year, month=2, day=29, hour=hour)


_SLOTS: Mapping[str, Callable[[dt.datetime], dt.datetime]] = {
    "tomorrow at noon": lambda now: (now + dt.timedelta(days=1)).replace(hour=12),
    "a summer morning": lambda now: now.replace(year=now.year + 1, month=7, day=6, hour=7),
    # European clocks change at 01:00 UTC.
    "the night clocks go forward": lambda now: _sunday(now, 3, 5, hour=1),
    "the night clocks go back": lambda now: _sunday(now, 10, 5, hour=0),
    "the hour that comes twice": lambda now: _sunday(now, 10, 5, hour=1),
    # American ones at 02:00: 07:00 UTC in New York in spring, 06:00 in autumn.
    "the night American clocks go forward": lambda now: _sunday(now, 3, 2, hour=7),
    "the night American clocks go back": lambda now: _sunday(now, 11, 1, hour=6),
    "a leap day": lambda now: _leap_day(now, hour=23),
    "the last minute of a year": lambda now: now.replace(
        year=now.year + 1, month=12, day=31, hour=23
    ),
}


@given(parsers.re(r"a booking for (?P<slot>.+)$"))
def _a_booking_for(story: Story, slot: str) -> None:
    at = story.now()
    start = named(_SLOTS, slot, "slot")(at).replace(minute=30, second=0, microsecond=0)
    # Not the usual length: the end is what the payload says, not half an hour later.
    story.tell("created", story.calendar.book(at, start=start, minutes=50)[0])


@given(parsers.re(r"the guide's example of (?P<example>.+)$"))
def _an_example(story: Story, example: str) -> None:
    body = named(EXAMPLES, example, "example of the guide").encode()
    envelope = json.loads(body)
    signed = deliveries.from_body(
        body,
        story.subscription,
        trigger=envelope["triggerEvent"],
        uid=envelope["payload"]["uid"],
    )
    story.keep(Item(example, None, signed, signed))
