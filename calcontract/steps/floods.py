"""When, Then: bursts, floods of strangers, and being told to come again."""

from __future__ import annotations

import time

from pytest_bdd import parsers, then, when

from calcontract.deliveries import Item
from calcontract.judges import answers, effects, throttling
from calcontract.story import Story
from calcontract.waiting import waiting
from mock_calcom.signature import HEADER

#: What depends on the speed of a machine has to be seen this often before it accuses.
_BURSTS = 2
#: How often what is throttled comes again, and its pause if it is not told when, in seconds.
_ROUNDS = 3
_PAUSE = 1.0
#: Requests of strangers that are under way at once.
_AT_ONCE = 25


@when(parsers.re(r"Cal\.com delivers (?:it|them) in a burst$"))
def _burst(story: Story) -> None:
    for tried in range(1, _BURSTS + 1):
        items = list(story.items.values())
        story.volley(items)
        fine = all(one.last.acknowledged or throttling.throttled(one.last) for one in items)
        if fine or tried == _BURSTS:
            return
        # A connection may be lost in a crowd by accident; another crowd shows whether it was.
        for item in items:
            occurrence = story.calendar.any_of("BOOKING_CREATED", story.now())
            story.tell(item.name, occurrence)


@when("what was throttled comes again in its time")
def _comes_again(story: Story) -> None:
    for _ in range(_ROUNDS):
        kept_out = [one for one in story.items.values() if throttling.throttled(one.last)]
        waits = [throttling.wait_of(item.last) for item in kept_out]
        wait = max((_PAUSE if one is None else one for one in waits), default=0.0)
        if not kept_out or wait > throttling.LONGEST:
            return
        with waiting("the time at which the receiver may be asked again", wait):
            time.sleep(wait)
        story.volley(kept_out)


@when(parsers.re(r"strangers send (?P<count>\d+) unsigned requests$"), converters={"count": int})
def _flood(story: Story, count: int) -> None:
    unsigned = story.it.delivery.without_header(HEADER)
    story.target.require_life()
    for begun in range(0, count, _AT_ONCE):
        part = [unsigned] * min(_AT_ONCE, count - begun)
        story.target.note(unsigned, len(part))
        with waiting(f"answers to {len(part)} strangers", story.target.sender.timeout):
            answered = story.target.sender.volley(part)
        story.flood += answered
        story.target.look_for_life(answered)


@when("Cal.com delivers them one after another, once each")
def _once_each(story: Story) -> None:
    for item in story.items.values():
        story.target.require_life()
        attempt = story.target.attempt_once(item.delivery)
        story.remember(item, [attempt])
        story.target.look_for_life([attempt])


def _burst_of(story: Story) -> list[Item]:
    return list(story.items.values())


@then("each of the burst has got through")
def _through(story: Story) -> None:
    for item in _burst_of(story):
        throttling.got_through(item.attempts)


@then("each 429 says when to come again")
def _says_when(story: Story) -> None:
    for attempt in story.attempts:
        throttling.says_when(attempt)


@then("nothing that was throttled has had an effect")
def _no_effect(story: Story) -> None:
    kept_out = [one for one in _burst_of(story) if throttling.throttled(one.last)]
    look = story.target.look([item.uid for item in kept_out]) if kept_out else None
    if look is not None:
        effects.nothing(look, [item.uid for item in kept_out])


@then("no request of a stranger has failed")
def _strangers(story: Story) -> None:
    for attempt in story.flood:
        throttling.unfailed(attempt)


@then("none of them is throttled")
def _unthrottled(story: Story) -> None:
    for attempt in story.attempts:
        throttling.unthrottled(attempt)
        answers.unfailing(attempt)
