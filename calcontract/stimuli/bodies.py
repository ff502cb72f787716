"""
Bodies: lawful spellings, changes after signing, and authentic nonsense.

Pure: bytes in, bytes out.  Spellings keep what the body says; everything else changes it.
"""

from __future__ import annotations

import codecs
import datetime as dt
import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from calcontract.stimuli import named, spellings

Json = Any


def compact(value: Json) -> bytes:
    """*value* the way Cal.com writes it: compact, raw UTF-8, in the order of its keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _reversed_keys(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _reversed_keys(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_reversed_keys(item) for item in value]
    return value


def _with_metadata(body: bytes, **extra: str) -> Json:
    envelope = json.loads(body)
    metadata = envelope["payload"].get("metadata")
    envelope["payload"]["metadata"] = {**(metadata or {}), **extra}
    return envelope


_SPELLINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "compactly": lambda body: compact(json.loads(body)),
    "with a space after each colon": lambda body: json.dumps(
        json.loads(body), ensure_ascii=False
    ).encode(),
    "on many indented lines": lambda body: json.dumps(
        json.loads(body), ensure_ascii=False, indent=4
    ).encode(),
    "with every key in another order": lambda body: compact(_reversed_keys(json.loads(body))),
    # The note makes sure that there is something to escape.
    "with \\u escapes": lambda body: json.dumps(
        _with_metadata(body, note="Zoë, 10 €"), separators=(",", ":")
    ).encode(),
    "with \\/ escapes": lambda body: compact(_with_metadata(body, note="a/b/c")).replace(
        b"/", b"\\/"
    ),
    "with integer-like keys last": lambda body: compact(
        _with_metadata(body, b="1", **{"2": "x", "10": "y"})
    ),
    "with emoji and U+2028": lambda body: compact(
        _with_metadata(body, note="\N{PARTY POPPER}\N{LINE SEPARATOR}Zoë")
    ),
    "with white space around it": lambda body: b" \n\t" + body + b"\t \n",
    "with CRLF line ends": lambda body: (
        json.dumps(json.loads(body), ensure_ascii=False, indent=2).replace("\n", "\r\n").encode()
    ),
    **spellings.SPELLINGS,
}

_TAILS: Mapping[str, bytes] = {"nothing": b"", "LF": b"\n", "CRLF": b"\r\n", "LF LF": b"\n\n"}


def spelled(word: str, body: bytes) -> bytes:
    """*body* in the spelling that a feature file calls *word*."""
    return named(_SPELLINGS, word, "spelling")(body)


def with_tail(word: str, body: bytes) -> bytes:
    """*body* followed by the line ends that a feature file calls *word*."""
    return body + named(_TAILS, word, "tail")


def _moved(match: re.Match[bytes]) -> bytes:
    hour = (int(match[2]) + 1) % 24
    return match[1] + f"{hour:02d}".encode()


def _changed_uid(body: bytes, uid: str | None) -> bytes:
    if not uid or uid.encode() not in body:
        raise ValueError("the delivery carries no uid to change")
    other = uid[:-1] + ("A" if uid[-1] != "A" else "B")
    return body.replace(uid.encode(), other.encode())


def _last_letter(body: bytes) -> bytes:
    """One letter of the last text of the body replaced."""
    last = max(match.start() for match in re.finditer(rb"[a-z]", body))
    return body[:last] + (b"x" if body[last : last + 1] != b"x" else b"y") + body[last + 1 :]


def changed(word: str, body: bytes, *, uid: str | None, other: bytes) -> bytes:
    """
    *body* after the change that a feature file calls *word*.

    Args:
        word: what the feature file says happened to the body.
        body: the bytes that were signed.
        uid: the uid that the body carries.
        other: the body of another, equally authentic delivery.
    """
    changes: Mapping[str, Callable[[], bytes]] = {
        "the trigger became another": lambda: body.replace(
            b"BOOKING_CREATED", b"BOOKING_CANCELLED", 1
        ),
        "the start moved by an hour": lambda: re.sub(
            rb'("startTime":"\d{4}-\d\d-\d\dT)(\d\d)', _moved, body, count=1
        ),
        "one letter of the uid changed": lambda: _changed_uid(body, uid),
        "the last byte before the end changed": lambda: _last_letter(body),
        "a space was added at the end": lambda: body + b" ",
        "a space was added after a colon": lambda: body.replace(b'":', b'": ', 1),
        "a key was added": lambda: b'{"added":1,' + body[1:],
        "a repeated key was added": lambda: body[:-1] + b',"triggerEvent":"BOOKING_CANCELLED"}',
        "everything was replaced by another body": lambda: other,
        "everything was removed": lambda: b"",
        # A decoder that puts the one in the place of the other makes the same text of both.
        "U+FFFD became a byte that is no text": lambda: body.replace(
            spellings.REPLACEMENT.encode(), b"\xff"
        ),
        **{name: functools.partial(change, body) for name, change in spellings.CHANGES.items()},
    }
    result = named(changes, word, "change")()
    if result == body:
        raise ValueError(f"the change {word!r} left the body as it was")
    return result


def _with_another_payload(body: bytes) -> bytes:
    """*body* with a second payload: the same booking, an hour longer."""
    payload = json.loads(body)["payload"]
    end = dt.datetime.fromisoformat(payload["endTime"]) + dt.timedelta(hours=1)
    payload["endTime"] = end.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return body[:-1] + b',"payload":' + compact(payload) + b"}"


_NONSENSE: Mapping[str, Callable[[bytes], bytes]] = {
    "cut in the middle": lambda body: body[: len(body) // 2],
    "empty": lambda _: b"",
    "plain text": lambda _: b"hello, this is no JSON",
    "in single quotes": lambda body: body.replace(b'"', b"'"),
    "followed by a comma": lambda body: body + b",",
    "two objects in a row": lambda body: body + body,
    "bytes that are not UTF-8": lambda _: b'{"triggerEvent":"\xff\xfe","payload":{"uid":"\xff"}}',
    "a form": lambda _: b"triggerEvent=BOOKING_CREATED&uid=form-encoded",
    "the number 1": lambda _: b"1",
    "a string": lambda _: b'"BOOKING_CREATED"',
    "the literal true": lambda _: b"true",
    "the literal false": lambda _: b"false",
    "the literal null": lambda _: b"null",
    "an empty list": lambda _: b"[]",
    "an empty object": lambda _: b"{}",
    "a list of no events": lambda _: b'{"events":[]}',
    "the envelope in a list": lambda body: b"[" + body + b"]",
    "an envelope without payload": lambda _: b'{"triggerEvent":"BOOKING_CREATED"}',
    "500 nested arrays": lambda body: _nested(body, 500),
    "1000 nested arrays": lambda body: _nested(body, 1000),
    "10000 nested arrays": lambda body: _nested(body, 10_000),
    "100000 nested arrays": lambda body: _nested(body, 100_000),
    "10000 nested objects": lambda body: _extended(
        body, b'"n":' + b'{"n":' * 10_000 + b"0" + b"}" * 10_000
    ),
    "a number of 400 digits": lambda body: _extended(body, b'"n":' + b"9" * 400),
    "the number 1e400": lambda body: _extended(body, b'"n":1e400'),
    "the number -1e309": lambda body: _extended(body, b'"n":-1e309'),
    "a surrogate pair upside down": lambda body: _extended(body, b'"n":"\\udc00\\ud800"'),
    "a lone surrogate": lambda body: _extended(body, b'"n":"\\ud800"'),
    "an escaped NUL in a name": lambda body: _extended(body, b'"n":"a\\u0000b"'),
    "NaN as a payload member": lambda body: _extended(body, b'"n":NaN'),
    "a JSON text after a mark of order": lambda body: codecs.BOM_UTF8 + body,
    "a JSON text before a NUL": lambda body: body + b"\0",
    "a JSON text in UTF-16": lambda body: body.decode().encode("utf-16"),
    "an envelope with two triggers": lambda body: (
        body[:-1] + b',"triggerEvent":"BOOKING_CANCELLED"}'
    ),
    "an envelope with two payloads": _with_another_payload,
    "an envelope with its trigger twice": lambda body: (
        body[:-1] + b',"triggerEvent":"BOOKING_CREATED"}'
    ),
    "a payload with repeated keys": lambda body: _extended(body, b'"n":1,"n":2'),
}


def _nested(body: bytes, depth: int) -> bytes:
    return _extended(body, b'"n":' + b"[" * depth + b"]" * depth)


def _extended(body: bytes, member: bytes) -> bytes:
    """*body* with one more member, raw, at the beginning of its payload."""
    return body.replace(b'"payload":{', b'"payload":{' + member + b",", 1)


def nonsense(word: str, body: bytes) -> bytes:
    """What a feature file calls *word*, made out of a well-formed *body* where it needs one."""
    return named(_NONSENSE, word, "nonsense")(body)


def padded(body: bytes, size: int) -> bytes:
    """*body* with notes so long that it is *size* bytes in all."""
    envelope = json.loads(body)
    envelope["payload"]["additionalNotes"] = ""
    room = size - len(compact(envelope))
    envelope["payload"]["additionalNotes"] = "n" * max(room, 0)
    return compact(envelope)


#: Offsets from UTC in minutes, as times are written with them.
_ZONES: Mapping[str, int] = {
    "with +02:00": 120,
    "with +05:30": 330,
    "with +05:45": 345,
    "with +12:45": 765,
    "with +14:00": 840,
    "with -03:30": -210,
    "with -09:30": -570,
    "with -11:00": -660,
}


def shifted(text: str, spelling: str) -> str:
    """The instant that *text* names, in the spelling that a feature file calls *spelling*."""
    instant = dt.datetime.fromisoformat(text)
    utc = instant.astimezone(dt.UTC)
    if spelling in _ZONES:
        zone = dt.timezone(dt.timedelta(minutes=_ZONES[spelling]))
        return instant.astimezone(zone).isoformat(timespec="seconds")
    tails = {"with Z": "Z", "with .000Z": ".000Z", "with +00:00": "+00:00"}
    tail = named(tails, spelling, "spelling of a time")
    return utc.strftime("%Y-%m-%dT%H:%M:%S") + tail
