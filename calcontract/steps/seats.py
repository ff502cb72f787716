"""Then: who sits where, after the seats of a booking were taken, given back or moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping

from pytest_bdd import parsers, then

from calcontract.deliveries import Item
from calcontract.errors import CatalogueError
from calcontract.judges import seats
from calcontract.probes import Look
from calcontract.stimuli import named
from calcontract.story import Story


def seating(items: Iterable[Item]) -> seats.Seating:
    """The guests of each slot after *items*, as Cal.com has them: nobody, where all have left."""
    seating: dict[dt.datetime, set[str]] = {}
    for item in items:
        booking = item.booking
        guests = {guest.email for guest in booking.guests}
        sitting = seating.setdefault(booking.start, set())
        match item.trigger:
            case "BOOKING_CREATED":
                sitting |= guests
            case "BOOKING_CANCELLED":
                sitting -= guests
            case "BOOKING_RESCHEDULED" if booking.previous:
                seating[booking.previous.start] -= guests
                sitting |= guests
            case trigger:
                raise CatalogueError(f"nobody knows what {trigger} does to seats")
    return seating


_JUDGES: Mapping[str, Callable[[Look, seats.Seating], None]] = {
    "is live once while somebody sits in it, and then no more": seats.live_while_taken,
    "lists those who sit in it, and nobody who has left": seats.listed,
}


@then(parsers.re(r"each slot (?P<what>(?:is live once|lists those) .+)$"))
def _each_slot(story: Story, what: str) -> None:
    judge = named(_JUDGES, what, "demand on a slot")
    judge(story.look(), seating(story.items.values()))
