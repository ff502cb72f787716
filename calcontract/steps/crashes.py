"""When, Then: the receiver's process is killed and started again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time

from pytest_bdd import parsers, then, when

from calcontract.deliveries import Item
from calcontract.errors import StateUnknown
from calcontract.judges import effects
from calcontract.story import Story

#: The kill comes when this share of a burst has been answered: in its middle.
_SHARE = 0.4

#: The provider state in which nothing that was acknowledged is processed.
_PAUSE = "worker pauses"

#: Attempts of a burst under way at once.
_AT_ONCE = 8

#: A lease that a killed worker has left is surely over after this time, in seconds.
_LEASE = 3600.0


@when("the processing pauses")
def _pauses(story: Story) -> None:
    # Who works within the request has nothing that could be paused: what it acknowledged is done,
    # and has to be there whatever happens next.
    with contextlib.suppress(StateUnknown):
        story.target.set_state(_PAUSE)
        story.paused = True


@when("the processing resumes")
def _resumes(story: Story) -> None:
    if not story.paused:
        raise StateUnknown(_PAUSE)
    story.target.set_state("worker resumes")
    story.paused = False


@when("the receiver has come to rest")
def _at_rest(story: Story) -> None:
    story.look()


@when(parsers.re(r"the receiver is (?P<how>killed|told to end) and started again$"))
def _killed(story: Story, how: str = "killed") -> None:
    story.killed = True
    story.target.kill(politely=how == "told to end")
    story.target.restart()
    end_leases(story)


@when(
    parsers.re(r"(?P<seconds>[\d.]+) seconds later the receiver is killed and started again$"),
    converters={"seconds": float},
)
def _killed_later(story: Story, seconds: float) -> None:
    # The processing was told to take longer than this: the kill comes in its middle.
    time.sleep(seconds)
    _killed(story)


def end_leases(story: Story, seconds: float = _LEASE) -> None:
    """Let what a dead worker held become due: a lease is a promise of time, and we move time."""
    if story.target.states is not None:
        # Whose time cannot be moved may hold no leases.
        with contextlib.suppress(StateUnknown):
            story.target.advance(seconds)


@when("Cal.com delivers them in a burst in which the receiver is killed and started again")
def _burst(story: Story) -> None:
    story.target.require_life()
    items = list(story.items.values())
    answered = 0
    story.killed = True
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = {pool.submit(story.target.sender.attempt, item.delivery): item for item in items}
        try:
            for future in concurrent.futures.as_completed(futures):
                answered += 1
                item = futures[future]
                story.target.note(item.delivery)
                story.remember(item, [future.result()])
                if answered == int(len(items) * _SHARE):
                    story.target.kill()
        except BaseException:
            # Whoever is interrupted waits for no answer, and the pool for each of its threads.
            pool.shutdown(wait=False, cancel_futures=True)
            story.target.kill()
            raise
    story.target.restart()
    end_leases(story)


@when("Cal.com redelivers all of them")
def _all_again(story: Story) -> None:
    for item in story.items.values():
        story.send(item)


@then("each that was acknowledged has its effect once")
def _acknowledged_once(story: Story) -> None:
    for item in _acknowledged(story):
        look = story.look_at([item.uid])
        with item.accused():
            effects.happened(look, trigger=item.trigger, uid=item.uid, occurrences=1)
            effects.single(look, history=story.history)


def _acknowledged(story: Story) -> list[Item]:
    return [
        item
        for item in story.items.values()
        if any(attempt.acknowledged for attempt in item.attempts)
    ]
