"""
Envelopes and payloads: one member missing, of another type, or unexpected.

Pure: a parsed envelope in, another one out; the argument is never changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from calcontract.stimuli import named

Json = dict[str, Any]


def _without(*path: str) -> Callable[[Json], None]:
    def remove(envelope: Json) -> None:
        _parent(envelope, path).pop(path[-1], None)

    return remove


def _with(*path: str, value: Any) -> Callable[[Json], None]:
    def put(envelope: Json) -> None:
        _parent(envelope, path)[path[-1]] = value

    return put


def _parent(envelope: Json, path: tuple[str, ...]) -> Json:
    for name in path[:-1]:
        envelope = envelope[name]
    return envelope


def _clear(envelope: Json) -> None:
    envelope.clear()


_ENVELOPES: Mapping[str, Callable[[Json], None]] = {
    "no triggerEvent": _without("triggerEvent"),
    "an empty triggerEvent": _with("triggerEvent", value=""),
    "a null triggerEvent": _with("triggerEvent", value=None),
    "no payload": _without("payload"),
    "a null payload": _with("payload", value=None),
    "an empty payload": _with("payload", value={}),
    "an empty list as payload": _with("payload", value=[]),
    "nothing at all": _clear,
    "no createdAt": _without("createdAt"),
    "a number as triggerEvent": _with("triggerEvent", value=7),
    "a list as triggerEvent": _with("triggerEvent", value=["BOOKING_CREATED"]),
    "an object as triggerEvent": _with("triggerEvent", value={"name": "BOOKING_CREATED"}),
    "a string as payload": _with("payload", value="BOOKING_CREATED"),
    "a number as payload": _with("payload", value=7),
    "a list of text as payload": _with("payload", value=["uid", "startTime"]),
    "a number as createdAt": _with("createdAt", value=1752224400),
}

_PAYLOADS: Mapping[str, Callable[[Json], None]] = {
    "a number as startTime": _with("payload", "startTime", value=5),
    "a word as startTime": _with("payload", "startTime", value="tomorrow"),
    "an endTime in month 13": _with("payload", "endTime", value="2026-13-41T25:61:00Z"),
    "an endTime before its time": _with("payload", "endTime", value="0001-01-01T00:00:00Z"),
    "text as attendees": _with("payload", "attendees", value="everybody"),
    "a list as uid": _with("payload", "uid", value=["a", "b"]),
    "no metadata": _without("payload", "metadata"),
    "null as metadata": _with("payload", "metadata", value=None),
    "no description": _without("payload", "description"),
    "null as location": _with("payload", "location", value=None),
    "no attendees listed": _with("payload", "attendees", value=[]),
    "no responses": _without("payload", "responses"),
    "no title": _without("payload", "title"),
    "no name of its organizer": _without("payload", "organizer", "name"),
}

_UNKNOWN = {"label": "unheard of", "depth": {"of": [1, 2, 3]}}

_EXTRAS: Mapping[str, Callable[[Json], None]] = {
    "in the envelope": _with("futureField", value=_UNKNOWN),
    "in the payload": _with("payload", "futureField", value=_UNKNOWN),
    "in the organizer": lambda envelope: _person(envelope, "organizer"),
    "in an attendee": lambda envelope: _person(envelope, "attendees"),
}


def _person(envelope: Json, where: str) -> None:
    people = envelope["payload"].get(where) or {}
    person = people[0] if isinstance(people, list) and people else people
    if isinstance(person, dict):
        person["futureField"] = _UNKNOWN


#: What people write into names and notes, by what it is.
TEXTS: Mapping[str, str] = {
    "emoji": "Zoë \N{PARTY POPPER} \N{FAMILY} \N{REGIONAL INDICATOR SYMBOL LETTER D}",
    "quotes and backslashes": 'O\'Hara "Bob" \\ back\\slash \\n',
    "markup": "<script>alert(1)</script> <b>&amp;</b>",
    "something like SQL": "Robert'); DROP TABLE appointments;--",
    "template braces": "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
    "right-to-left marks": "\N{RIGHT-TO-LEFT OVERRIDE}שלום\N{POP DIRECTIONAL FORMATTING} مرحبا",
    "combining accents": "Zoe\N{COMBINING DIAERESIS} e\N{COMBINING ACUTE ACCENT}",
    "line ends and tabs": "first\r\nsecond\nthird\tlast",
    "U+2028 and U+2029": "a\N{LINE SEPARATOR}b\N{PARAGRAPH SEPARATOR}c",
    "text beyond the BMP": "\N{CJK UNIFIED IDEOGRAPH-20000}\N{MATHEMATICAL BOLD CAPITAL A}",
}


def spoiled(word: str, envelope: Json) -> Json:
    """*envelope* with the fault that a feature file calls *word*."""
    return _applied(named(_ENVELOPES, word, "fault of an envelope"), envelope)


def odd(word: str, envelope: Json) -> Json:
    """*envelope* with the oddity of its payload that a feature file calls *word*."""
    return _applied(named(_PAYLOADS, word, "oddity of a payload"), envelope)


def extended(word: str, envelope: Json) -> Json:
    """*envelope* with an unknown field at the place that a feature file calls *word*."""
    return _applied(named(_EXTRAS, word, "place for an unknown field"), envelope)


def worded(word: str, envelope: Json) -> Json:
    """*envelope* with its title, notes and names written as a feature file calls *word*."""
    text = named(TEXTS, word, "kind of text")

    def write(copied: Json) -> None:
        payload = copied["payload"]
        payload["title"] = payload["additionalNotes"] = payload["description"] = text
        for attendee in payload.get("attendees") or []:
            attendee["name"] = text

    return _applied(write, envelope)


def _applied(change: Callable[[Json], None], envelope: Json) -> Json:
    copied = copy.deepcopy(envelope)
    change(copied)
    return copied
