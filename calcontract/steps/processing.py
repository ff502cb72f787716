"""Given, When, Then: processing that is slow or fails, and the clock that retries wait for."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bdd import given, parsers, then, when

from calcontract.deliveries import Item
from calcontract.errors import Inconclusive, Violation
from calcontract.judges import answers, effects
from calcontract.probes import Look, Record
from calcontract.stimuli import named
from calcontract.story import LONGEST_WAIT, Story

#: The words for how often processing fails; -1 is for ever.
_TIMES: Mapping[str, int] = {
    "never": 0,
    "once": 1,
    "twice": 2,
    "three times": 3,
    "for ever": -1,
}


#: More tries than any sound receiver makes before it gives up; stops a run that never ends.
_MANY = 12

_UNDER_WAY = frozenset({"waiting", "processing"})


@given(parsers.re(r"processing of it takes (?P<seconds>[\d.]+) seconds$"))
def _slow(story: Story, seconds: str) -> None:
    story.processing_seconds = float(seconds)
    story.target.set_state("processing is slow", uid=story.it.uid, seconds=float(seconds))


@given(parsers.re(r"processing of it fails (?P<times>never|once|twice|three times|for ever)$"))
def _fails(story: Story, times: str) -> None:
    story.failing.add(story.it.uid)
    story.target.set_state(
        "processing fails", uid=story.it.uid, times=named(_TIMES, times, "number of failures")
    )


def turned_away(story: Story, item: Item) -> bool:
    """
    Whether the first answer to *item* was that its processing had failed.

    Who processes within the request acknowledges nothing that fails: Cal.com has it still, and its
    operator knows.  The guide asks for another way, so only the real sender's receivers may.
    """
    answer = item.attempts[0].answer
    return story.target.settings.profile == "calcom" and answer is not None and answer.status >= 500


def _taken_in_the_end(story: Story, item: Item) -> None:
    """
    Let Cal.com come again with *item* until it is acknowledged.

    Raises:
        Violation: if it is refused, or never taken.
    """
    for _ in range(_MANY):
        answer = item.last.answer
        if answer is None or answer.status < 500:
            break
        story.send(item)
    answers.acknowledged(item.last)


def _rested(story: Story) -> Look:
    """A look at the delivery, once the receiver has taken it and come to rest."""
    # Whatever a redelivery is answered: the delivery was taken when one attempt was acknowledged.
    answers.acknowledged(story.it.attempts[0])
    return story.target.look([story.it.uid])


def _record(story: Story) -> Record:
    """The inbox's record of the delivery, once the receiver has come to rest."""
    records = _rested(story).records
    if not records:
        raise Violation(
            "the receiver keeps no record of a delivery that it acknowledged and did not process",
            expected="the delivery to be tried again",
            reason="records-missing",
        )
    under_way = [record for record in records if record.state in _UNDER_WAY]
    return (under_way or records)[-1]


def shows_tries(story: Story) -> bool:
    """Whether the probe shows what becomes of a delivery: some keep no inbox, or do not show it."""
    if not story.target.shows_deliveries:
        # It may not show what it has lost; of what goes well it has to show as little.
        neighbour = story.beside("neighbour")
        story.send(neighbour)
        story.target.look([neighbour.uid])
        del story.items[neighbour.name]
    return story.target.shows_deliveries


def _tries(record: Record) -> str:
    return "1 try" if record.tries == 1 else f"{record.tries} tries"


def _advance(story: Story, seconds: float) -> None:
    story.target.advance(seconds)


@when(parsers.re(r"(?P<seconds>\d+) seconds pass$"), converters={"seconds": int})
def _pass(story: Story, seconds: int) -> None:
    story.look()
    _advance(story, seconds)


@when("the receiver retries as scheduled")
def _retries(story: Story) -> None:
    if turned_away(story, story.it):
        _taken_in_the_end(story, story.it)
        return
    _rested(story)
    if not shows_tries(story):
        for _ in range(_MANY):
            _advance(story, LONGEST_WAIT + 1)
            _rested(story)
        return
    for _ in range(_MANY):
        record = _record(story)
        if record.state not in _UNDER_WAY:
            return
        # One second more: a schedule may be rounded up.
        _advance(story, (record.next_try_seconds or LONGEST_WAIT) + 1)
    raise Violation(
        f"it is still being tried after {_MANY} tries",
        expected="an end of the tries",
        reason="tries-without-end",
    )


@when(parsers.re(r"the receiver has failed (?P<times>once|twice)$"))
def _has_failed(story: Story, times: str) -> None:
    if turned_away(story, story.it):
        return
    wanted = named(_TIMES, times, "number of failures")
    _rested(story)
    if wanted == 1 and not shows_tries(story):
        # It has come to rest, and what it was to do cannot have gone well.
        return
    for _ in range(_MANY):
        record = _record(story)
        if record.tries >= wanted:
            return
        if record.state not in _UNDER_WAY:
            raise Violation(
                f"it was given up after {_tries(record)}",
                expected=f"{wanted} tries and another to come",
                reason="given-up-early",
            )
        _advance(story, (record.next_try_seconds or LONGEST_WAIT) + 1)
    raise Inconclusive("the receiver's tries cannot be followed", reason="tries-untold")


@then(
    parsers.re(r"the next try comes after (?P<early>\d+) seconds and before (?P<late>\d+)$"),
    converters={"early": int, "late": int},
)
def _next_try(story: Story, early: int, late: int) -> None:
    expected = f"the next try between {early} and {late} s after the failure"
    tries = _record(story).tries
    _advance(story, early)
    if _record(story).tries != tries:
        raise Violation(f"it came within {early} s", expected=expected, reason="too-early")
    _advance(story, late - early)
    if _record(story).tries == tries:
        raise Violation(f"none came within {late} s", expected=expected, reason="too-late")


@then(
    parsers.re(
        r"the receiver has given it up after (?P<tries>\d+) tries and told its administrators$"
    ),
    converters={"tries": int},
)
def _given_up(story: Story, tries: int) -> None:
    record = _record(story)
    if (record.state, record.tries) != ("dead", tries):
        raise Violation(
            f"it is {record.state} after {_tries(record)}",
            expected=f"a dead letter after {tries} tries",
            reason="not-given-up" if record.state != "dead" else "tries",
        )
    notices = story.target.look([story.it.uid]).notices
    if len(notices) != 1:
        raise Violation(f"{len(notices)} notices were sent", expected="one notice", reason="notice")


@then("nobody is told of it")
def _nobody_told(story: Story) -> None:
    notices = story.target.look([story.it.uid]).notices
    if notices:
        raise Violation(f"{len(notices)} notices were sent", expected="no notice", reason="notice")


@then("another booking has its effect meanwhile")
def _meanwhile(story: Story) -> None:
    other = story.beside("neighbour")
    story.send(other)
    answers.acknowledged(other.last)
    try:
        look = story.target.look([other.uid])
    except Inconclusive:
        if story.target.probe is None:
            raise
        # Whatever else is not at rest: this one had all the time it is given.
        look = story.target.probe.look([other.uid])
    effects.happened(look, trigger=other.trigger, uid=other.uid, occurrences=1)
