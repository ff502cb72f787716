"""Given, When, Then: the receiver is started with other secrets, and works by itself."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Mapping

from pytest_bdd import given, parsers, then, when

from calcontract.deliveries import Item
from calcontract.errors import Inconclusive, Violation
from calcontract.judges import answers, configurations, effects
from calcontract.probes import Look
from calcontract.steps.spoiling import _with_signature
from calcontract.stimuli import configurations as stimuli
from calcontract.stimuli import named
from calcontract.story import Story
from calcontract.waiting import waiting
from mock_calcom.signature import HEADER

#: What some answer to a redelivery.
_CONFLICT = 409

#: A receiver that was asked for something may be awake for so long, in seconds.
_CALM = 0.3

#: Nothing is asked of the receiver for so long, in seconds, before the patience of the run.
_SILENCES = (0.3, 2.0)


def _booking(story: Story, name: str) -> Item:
    return story.tell(name, story.calendar.book(story.now())[0])


def _under(item: Item, secret: str) -> None:
    """Sign *item* as it is sent with *secret*."""
    signature = stimuli.signature(item.delivery.body, secret)
    item.delivery = item.delivery.with_header(HEADER, signature)


# --- starting ------------------------------------------------------------------------------------


@given(parsers.re(r"the receiver is started with (?P<what>.+)$"))
@when(parsers.re(r"the receiver is started with (?P<what>.+)$"))
def _started(story: Story, what: str) -> None:
    kind = what.removeprefix("a secret that ")
    if kind != what:
        story.new_secret = stimuli.that(kind, story.new_secret)
    current, previous = stimuli.secrets(what, new=story.new_secret, old=story.target.secret)
    story.killed = True
    story.listens = story.target.start_with(current, previous)


# --- delivering ----------------------------------------------------------------------------------


@when("anybody delivers bookings under signatures that need no secret")
def _openly(story: Story) -> None:
    # Its twin has to go through later, whether it was sent or not.
    model = _booking(story, "open")
    for word in stimuli.open_signatures(story.material(model)) if story.listens else ():
        item = _booking(story, word)
        value = stimuli.open_signatures(story.material(item))[word]
        item.delivery = _with_signature(item.delivery, value)
        story.send(item)
    if story.listens:
        story.send(_booking(story, "its own"))
    else:
        story.sent.append(model)


@when("Cal.com delivers bookings under each secret")
def _under_each(story: Story) -> None:
    secrets = {
        "new": story.new_secret,
        "old": story.target.secret,
        "another": f"{story.new_secret.strip()}-of-somebody-else",
        "bare": story.new_secret.rstrip("\n"),
    }
    for name, secret in secrets.items() if story.listens else ():
        item = _booking(story, name)
        _under(item, secret)
        story.send(item)


@when("Cal.com redelivers it under the new secret")
def _again_under_the_new_one(story: Story) -> None:
    item = story.it
    again = dataclasses.replace(item, attempts=[])
    _under(again, story.new_secret)
    attempt = story.attempt(again.delivery)
    story.remember(item, [attempt])
    # Who answers 409 to what it has taken before knows it, and the secret, too.
    if not attempt.acknowledged and attempt.status != _CONFLICT:
        raise Inconclusive(
            f"{answers.described(attempt)} under the new secret", reason="new-secret-refused"
        )


# --- what counts ---------------------------------------------------------------------------------


@then("the receiver has taken none of them")
def _none_taken(story: Story) -> None:
    if not story.listens:
        # Whoever does not listen takes nothing: the twin shows that this was the only reason.
        story.named("open").denied = True
        return
    attempts = {item.name: item.last for item in story.sent}
    own = attempts.pop("its own")
    for item in story.sent:
        item.denied = item.name in attempts
    configurations.none_taken(attempts, own=own)


def _counting(story: Story, *wanted: str) -> None:
    # No twin is sent after these refusals: what is acknowledged beside them is one.
    attempts = {name: story.named(name).last for name in ("new", "old", "another")}
    configurations.counting(attempts, frozenset(wanted))


_COUNTING: Mapping[str, tuple[str, ...]] = {
    "the new secret alone counts": ("new",),
    "the old secret and the new one count": ("old", "new"),
}


@then(parsers.re(rf"(?P<which>{'|'.join(_COUNTING)})$"))
def _count(story: Story, which: str) -> None:
    configurations.listening(listens=story.listens)
    _counting(story, *named(_COUNTING, which, "way to count"))


@then("the new secret counts with its line feed or without")
def _either_spelling(story: Story) -> None:
    if not story.listens:
        # Refusing to start is as good: its operator learns of the line feed at once.
        return
    if story.named("bare").last.acknowledged:
        # Both spellings are one secret to this receiver, or this one is.
        story.items["new"] = story.items.pop("bare")
    _counting(story, "new")


# --- working by itself ---------------------------------------------------------------------------


@then("such a booking is made in silence")
def _in_silence(story: Story) -> None:
    probe = story.target.probe
    assert probe is not None
    for silence in itertools.chain(_SILENCES, [story.target.settings.patience]):
        # Whoever was woken by what we asked last has to be asleep again.
        story.target.look([story.it.uid])
        time.sleep(_CALM)
        item = _booking(story, "unattended")
        story.send(item)
        answers.acknowledged(item.last)
        with waiting("the receiver to work in silence", silence):
            time.sleep(silence)
        look = probe.look([item.uid])
        if not look.under_way and _happened(look, item):
            return
    # Whether it comes at all is another clause's matter: here it may not wait to be asked.
    if _happened(story.target.look([item.uid]), item):
        raise Violation(
            "it was processed only when somebody asked for it",
            expected=f"the booking made within {story.target.settings.patience:g} s of silence",
            reason="waits-to-be-asked",
        )


def _happened(look: Look, item: Item) -> bool:
    try:
        effects.happened(look, trigger=item.trigger, uid=item.uid, occurrences=1)
    except Violation:
        return False
    return True
