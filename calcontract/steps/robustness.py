"""When, Then: what a receiver does because of a delivery that makes little sense, or after it."""

from __future__ import annotations

import contextlib

from pytest_bdd import then, when

from calcontract.deliveries import Item
from calcontract.errors import Inconclusive, Violation
from calcontract.judges import answers, effects
from calcontract.probes import Look
from calcontract.story import Story

#: What the delivery is called that comes after one that makes little sense.
_AFTER = "a sound one"

#: What depends on speed has to be seen this often before it accuses.
_LOOKS = 2


@when("Cal.com delivers a sound one after it")
def _sound_one(story: Story) -> None:
    # Not before the other is taken, and without waiting for what becomes of that.
    occurrence = story.calendar.any_of("BOOKING_CREATED", story.now())
    story.send(story.tell(_AFTER, occurrence))


@then("the one after it has its effect once")
def _one_after_it(story: Story) -> None:
    item = story.named(_AFTER)
    answers.acknowledged(item.last)
    look = _at_rest(story, item)
    effects.happened(look, trigger=item.trigger, uid=item.uid, occurrences=1)
    effects.single(look)


def _at_rest(story: Story, item: Item) -> Look:
    """A look at *item*, which every sound receiver has processed by then, and twice by then."""
    for _ in range(_LOOKS):
        with contextlib.suppress(Inconclusive):
            return story.look_at([item.uid])
    raise Violation(
        "the delivery after it is acknowledged, and never processed",
        expected="the delivery after it to have its effect",
        reason="held-up",
    )


@then("it has one effect at the most")
def _one_at_most(story: Story) -> None:
    item = story.it
    effects.at_most_one(story.look_at([item.uid]), item.uid)
