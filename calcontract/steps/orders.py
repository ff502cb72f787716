"""Given, When, Then: one life in every order of arrival, a fresh booking for each order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from pytest_bdd import given, parsers, then, when

from calcontract.deliveries import Item
from calcontract.errors import CatalogueError, Violation
from calcontract.judges import effects, seats
from calcontract.probes import Look
from calcontract.steps.happenings import LIFE, lead
from calcontract.steps.seats import seating
from calcontract.story import Story

#: Of more orders than this, so many are drawn by the seed.
_MOST = 24

#: Uids asked for in one look: an address must not grow beyond what servers take.
_AT_A_TIME = 50


@given(parsers.re(rf"bookings that are {LIFE}, one for each order$"))
def _for_each_order(story: Story, life: str) -> None:
    names = life.split(", ")
    permutations = list(itertools.permutations(range(len(names))))
    if len(permutations) > _MOST:
        permutations = story.target.chance.sample(permutations, _MOST)
    for permutation in permutations:
        items = _one_life(story, life)
        story.orders.append([items[place] for place in permutation])


def _one_life(story: Story, life: str) -> list[Item]:
    """The deliveries of one more booking with that life, kept under names of their own."""
    kept, story.items = story.items, {}
    with story.meanwhile():
        lead(story, life)
    items, story.items = list(story.items.values()), kept
    for item in items:
        story.items[f"{item.name} (booking {len(story.orders) + 1})"] = item
    return items


@when("Cal.com delivers the events of each booking in its order")
def _each_in_its_order(story: Story) -> None:
    for batch in zip(*story.orders, strict=True):
        _together(story, batch)
        _settled(story)


@when("Cal.com delivers all events of each booking at the same instant")
def _all_together(story: Story) -> None:
    _together(story, [item for order in story.orders for item in order])


def _together(story: Story, items: Sequence[Item]) -> None:
    if not story.target.settings.is_local:
        for item in items:
            story.send(item)
        return
    story.volley(items)
    for item in items:
        # A burst may be throttled or turned away for a moment: Cal.com comes again.
        if not item.last.acknowledged:
            story.send(item)


def _settled(story: Story) -> None:
    uids = story.uids()
    for start in range(0, len(uids), _AT_A_TIME):
        story.look_at(uids[start : start + _AT_A_TIME])


def _each(story: Story, judge: Callable[[list[Item], Look], None]) -> None:
    if not story.orders:
        raise CatalogueError("this check has no bookings in every order")
    _settled(story)
    for order in story.orders:
        look = story.look_at(sorted({item.uid for item in order}))
        try:
            judge(order, look)
        except Violation as violation:
            names = ", ".join(item.name for item in order)
            raise Violation(
                f"delivered as {names}: {violation.sentence}",
                expected=violation.expected,
                reason=violation.reason,
            ) from None


@then(parsers.re(r'each booking is live once at the time of "(?P<name>[^"]+)"$'))
def _each_live_once(story: Story, name: str) -> None:
    def live(order: list[Item], look: Look) -> None:
        booking = next(item.booking for item in order if item.name == name)
        effects.live_once(look, start=booking.start, end=booking.end)

    _each(story, live)


@then("each booking is live once while somebody sits in it")
def _each_taken(story: Story) -> None:
    def live(order: list[Item], look: Look) -> None:
        happened = sorted(order, key=list(story.items.values()).index)
        seats.live_while_taken(look, seating(happened))

    _each(story, live)


@then(parsers.re(r"each booking is (?P<what>cancelled|not live)$"))
def _each_over(story: Story, what: str) -> None:
    # As in a check of one booking: only the guide says what becomes of the appointment.
    kept = what == "cancelled" and story.target.settings.profile == "guide"
    _each(story, lambda _, look: effects.over(look, status="cancelled" if kept else None))


@then("the appointment stands as it stood before the redelivery")
def _stands(story: Story) -> None:
    if story.before is None:
        raise CatalogueError("nothing was redelivered in this check")
    after = story.look()
    if story.before.appointments != after.appointments:
        raise Violation(
            "the appointment is no longer what it was",
            expected="an older event that comes again to change nothing",
            reason="went-back",
        )
