"""Given, When, Then: several deliveries that fail, and what comes while one of them waits."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bdd import given, parsers, then, when

from calcontract.errors import CatalogueError, Inconclusive, NotApplicable, Violation
from calcontract.judges import answers, effects
from calcontract.probes import Look, Record
from calcontract.steps.crashes import end_leases
from calcontract.steps.processing import shows_tries, turned_away
from calcontract.stimuli import named
from calcontract.story import LONGEST_WAIT, Story

_TIMES = {"never": 0, "once": 1, "twice": 2, "for ever": -1}

#: More tries than any sound receiver makes before it gives up; stops a run that never ends.
_MANY = 12


def _let_fail(story: Story, uid: str, times: str) -> None:
    story.failing.add(uid)
    story.target.set_state(
        "processing fails", uid=uid, times=named(_TIMES, times, "number of failures")
    )


@given(parsers.re(r"processing of all of them fails (?P<times>never|for ever)$"))
def _all_fail(story: Story, times: str) -> None:
    for uid in story.uids():
        _let_fail(story, uid, times)


@when(parsers.re(r"the receiver has had its time for (it|them)$"))
def _had_its_time(story: Story) -> None:
    # One that works strictly in order never comes to rest; what comes behind will tell.
    _looked(story)


@when(parsers.re(r"processing of it fails (?P<times>never|once|twice|for ever) from now on$"))
def _fails_now(story: Story, times: str) -> None:
    # What was delivered before is not to fail.
    story.look()
    _let_fail(story, story.it.uid, times)


@when("the beginning of the booking has failed once")
def _beginning_failed(story: Story) -> None:
    first = next(iter(story.items.values()))
    if turned_away(story, first):
        raise NotApplicable(
            "nothing waits for a try: what failed was not acknowledged", reason="does-not-arise"
        )
    answers.acknowledged(first.attempts[0])
    records = story.target.look([first.uid]).records
    if shows_tries(story) and not any(record.tries for record in records):
        raise Inconclusive("the receiver's tries cannot be followed", reason="tries-untold")


@when("the receiver retries all of the booking as scheduled")
@when("the receiver retries all of them as scheduled")
def _retries_all(story: Story) -> None:
    _looked(story)
    if not shows_tries(story):
        for _ in range(_MANY):
            story.target.advance(LONGEST_WAIT + 1)
            _looked(story)
        return
    for _ in range(_MANY):
        waiting = _waiting(_looked(story).records)
        if not waiting:
            return
        # One second more: a schedule may be rounded up.
        story.target.advance(max(record.next_try_seconds or 0 for record in waiting) + 1)
    raise Violation(
        f"some are still being tried after {_MANY} tries",
        expected="an end of the tries",
        reason="tries-without-end",
    )


def _looked(story: Story) -> Look:
    """A look at rest, or as things stand where later events lawfully queue behind a waiting one."""
    try:
        return story.look()
    except Inconclusive:
        if story.target.probe is None:
            raise
        return story.target.probe.look(story.uids())


def _waiting(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.state in {"waiting", "processing"}]


@then("nobody is told of it again")
def _not_again(story: Story) -> None:
    if story.before is None:
        raise CatalogueError("nothing was redelivered in this check")
    before, after = len(story.before.notices), len(story.look().notices)
    if after > before:
        raise Violation(
            f"{before} notices became {after}", expected="no further notice", reason="notice"
        )


@then("as many notices tell of each of them")
def _told_alike(story: Story) -> None:
    counts = {uid: len(story.look_at([uid]).notices) for uid in story.uids()}
    if len(set(counts.values())) != 1:
        shown = " and ".join(str(count) for count in counts.values())
        raise Violation(
            f"{shown} notices tell of them",
            expected="as many notices of the one as of the other",
            reason="notice",
        )


@when("the receiver is killed and started again twice in a row")
def _killed_twice(story: Story) -> None:
    story.killed = True
    for _ in range(2):
        story.target.kill()
        story.target.restart()
    end_leases(story, LONGEST_WAIT)


@then("each of its events had its effect once")
def _each_event_once(story: Story) -> None:
    look = story.look()
    for item in story.items.values():
        with item.accused():
            effects.happened(
                look, trigger=item.trigger, uid=item.uid, occurrences=story.occurrences(item)
            )
