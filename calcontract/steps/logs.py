"""Given, When, Then: what the receiver writes into its log."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pytest_bdd import given, parsers, then, when

from calcontract.errors import NotVerified
from calcontract.judges import logs as judges
from calcontract.logs import Log
from calcontract.stimuli import named
from calcontract.story import Story

#: What stands before a stranger's words, by what a feature file calls it.
_CONTROLS: Mapping[str, str] = {
    "a line feed": "\n",
    "a carriage return": "\r",
    # Erases the line that a terminal shows, up to here.
    "an escape sequence": "\x1b[2K",
    "a blank": " ",
}

#: A text of no more letters may stand in any line by accident.
_SHORT = 4


def _log(story: Story) -> Log:
    if story.target.log is None:
        raise NotVerified("this needs the receiver's log", reason="no-log")
    return story.target.log


def _settled(story: Story) -> Log:
    """The log, once all has been written that is due."""
    if story.target.probe is not None:
        story.look()
    log = _log(story)
    log.place()
    return log


@given("the log is read from here on")
@when("the log is read from here on")
def _from_here(story: Story) -> None:
    story.log_place = _log(story).place()


# --- words of a stranger -------------------------------------------------------------------------


def _into_texts(envelope: dict[str, Any], text: str) -> None:
    payload = envelope["payload"]
    payload["title"] = payload["additionalNotes"] = payload["description"] = text
    for attendee in payload["attendees"]:
        attendee["name"] = text


def _into_trigger(envelope: dict[str, Any], text: str) -> None:
    envelope["triggerEvent"] = text


def _into_uid(envelope: dict[str, Any], text: str) -> None:
    envelope["payload"]["uid"] = text


def _into_metadata(envelope: dict[str, Any], text: str) -> None:
    payload = envelope["payload"]
    payload["metadata"] = {**(payload.get("metadata") or {}), "remark": text}


_MEMBERS: Mapping[str, Callable[[dict[str, Any], str], None]] = {
    "names and notes": _into_texts,
    "trigger event": _into_trigger,
    "uid": _into_uid,
    "metadata": _into_metadata,
}


@given(
    parsers.re(r"a stranger's words stand behind (?P<control>an? [a-z ]+) in its (?P<member>.+)$")
)
def _stand_behind(story: Story, control: str, member: str) -> None:
    story.words = f"stranger{secrets.token_hex(6)}"
    text = f"Ada{named(_CONTROLS, control, 'control character')}{story.words} wrote this"
    write = named(_MEMBERS, member, "member")

    def change(envelope: dict[str, Any]) -> dict[str, Any]:
        write(envelope, text)
        return envelope

    story.rewrite(story.it, change, lawful=True)


# --- what it says --------------------------------------------------------------------------------


def _booking(story: Story) -> Callable[[str], bool]:
    item = story.it
    booking = item.occurrence.booking if item.occurrence else None
    return lambda line: judges.names(line, uid=item.uid, booking_id=booking.id if booking else None)


def _trigger(story: Story) -> Callable[[str], bool]:
    trigger = str(json.loads(story.it.delivery.body)["triggerEvent"])
    return lambda line: trigger in line


def _both(
    one: Callable[[Story], Callable[[str], bool]], two: Callable[[Story], Callable[[str], bool]]
) -> Callable[[Story], Callable[[str], bool]]:
    """A line that says *one* and *two*."""
    return lambda story: lambda line: one(story)(line) and two(story)(line)


#: What is asked of deliveries that were refused as well.
_ANY = "has a line about it"

#: What a line has to hold, by the end of the sentence that asks for it.
_SAID: Mapping[str, Callable[[Story], Callable[[str], bool]]] = {
    _ANY: lambda _: bool,
    "names the booking": _booking,
    "names the trigger event": _trigger,
    "names the booking and the trigger event in one line": _both(_booking, _trigger),
    "speaks of a duplicate": lambda _: judges.tells_of_duplicate,
    "tells of its failure": _both(_booking, lambda _: judges.tells_of_failure),
}


def _was_taken(story: Story, what: str) -> bool:
    item = story.it
    if what != "speaks of a duplicate" or story.target.probe is None:
        return item.last.acknowledged
    # A receiver that has taken it for a new one has no duplicate to speak of.
    effects = [effect for effect in story.look().effects if effect.uid == item.uid]
    return item.last.acknowledged and len(effects) <= 1


@then(parsers.re(r"the log (?P<what>(has a line|names|speaks|tells) .+)$"))
def _says(story: Story, what: str) -> None:
    wanted = named(_SAID, what, "line of a log")(story)
    if what != _ANY and not _was_taken(story, what):
        # What was not taken, or not for what it is, is another clause's matter.
        return
    lines = _log(story).wait_for(
        lambda found: any(map(wanted, found)),
        place=story.log_place,
        seconds=story.target.settings.patience,
    )
    judges.said(lines, f"a log that {what}", found=any(map(wanted, lines)))


# --- what it keeps to itself ---------------------------------------------------------------------


@then("the log gives away neither the secret nor the expected signature")
def _discreet(story: Story) -> None:
    log = _settled(story)
    judges.spoken(log.since(log.begin))
    material = story.material(story.it)
    judges.discreet(
        log.since(story.log_place),
        secret=story.target.secret,
        signatures=[material.digest(), material.trimmed()],
    )


@then("the log of the whole run does not show the secret")
def _discreet_ever(story: Story) -> None:
    log = _settled(story)
    written = log.since(log.begin)
    judges.spoken(written)
    judges.discreet(written, secret=story.target.secret)


@then("no line of the log begins with these words")
def _unforged(story: Story) -> None:
    log = _settled(story)
    judges.spoken(log.since(log.begin))
    judges.unforged(log.since(story.log_place), story.words)


@then("the log holds nothing of the guest")
def _impersonal(story: Story) -> None:
    log = _settled(story)
    judges.spoken(log.since(log.begin))
    guests = story.it.booking.guests
    known = [text for guest in guests for text in (guest.email, guest.name) if len(text) > _SHORT]
    judges.impersonal(log.lines_since(story.log_place), known)
