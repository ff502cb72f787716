"""
More ways to write one body, and to change one place of it.

Pure: bytes in, bytes out.  Every spelling in `SPELLINGS` says what the body says; every change in
`CHANGES` is of one place and leaves the rest as it is.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

#: The mark that some editors put before UTF-8 text.
BOM = b"\xef\xbb\xbf"

_MANY = 10_000

#: What decoders put in the place of bytes that are no text.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

#: A name whose letters can be written with marks of their own.
_NAME = "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} Ang\N{LATIN SMALL LETTER E WITH ACUTE}"


def _written(value: Any, **how: Any) -> bytes:
    return json.dumps(value, **{"ensure_ascii": False, "separators": (",", ":"), **how}).encode()


def _noted(body: bytes, note: str) -> dict[str, Any]:
    """The envelope in *body* with a note in its metadata, so that there is something to spell."""
    envelope: dict[str, Any] = json.loads(body)
    metadata = envelope["payload"].get("metadata") or {}
    envelope["payload"]["metadata"] = {**metadata, "note": note}
    return envelope


def _raised(body: bytes) -> bytes:
    """Escapes with upper-case digits."""
    return re.sub(rb"\\u[0-9a-f]{4}", lambda found: b"\\u" + found[0][2:].upper(), body)


def _with_raw(body: bytes, value: bytes) -> bytes:
    """*body* with a note in its metadata that is *value*, as it is."""
    return _written(_noted(body, "here")).replace(b'"note":"here"', b'"note":' + value)


def _with_numbers(body: bytes, numbers: bytes) -> bytes:
    """
    *body* with a member of its payload that nobody knows and whose value is *numbers*.

    Who reads ids as integers and metadata as texts, as Cal.com writes them, may refuse any other
    spelling there; what it does not know it has to tolerate.
    """
    envelope = json.loads(body)
    envelope["payload"]["numbers"] = "here"
    return _written(envelope).replace(b'"numbers":"here"', b'"numbers":' + numbers)


def _escaped_keys(body: bytes) -> bytes:
    """The first letter of every key as an escape."""

    def escape(found: re.Match[bytes]) -> bytes:
        return found[1] + b'"' + f"\\u{found[2][0]:04x}".encode() + found[2][1:] + b'":'

    return re.sub(rb'([{,])"([A-Za-z][^"\\]*)":', escape, body)


def _spread(body: bytes) -> bytes:
    text = json.dumps(json.loads(body), ensure_ascii=False, indent=0, separators=(" ,", " : "))
    return text.replace("\n", " ").encode()


def _trigger_last(body: bytes) -> bytes:
    envelope = json.loads(body)
    trigger = envelope.pop("triggerEvent")
    return _written({**envelope, "triggerEvent": trigger})


#: Lawful JSON of the same envelope, by what a feature file calls it.
SPELLINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "with tabs": lambda body: _written(json.loads(body), indent="\t", separators=(",", ": ")),
    "with white space around every token": _spread,
    "behind ten thousand spaces": lambda body: b" " * _MANY + body,
    "behind a line feed": lambda body: b"\n" + body,
    "before a line feed": lambda body: body + b"\n",
    "before spaces and tabs": lambda body: body + b"  \t ",
    "with \\u escapes in upper case": lambda body: _raised(
        _written(_noted(body, _NAME), ensure_ascii=True)
    ),
    "with escapes for plain letters": lambda body: _with_raw(body, b'"\\u0041\\u0062c"'),
    "with escapes in its keys": _escaped_keys,
    "with numbers such as 1.0": lambda body: _with_numbers(body, b"[1.0,20.0,-3.0,0.0]"),
    "with numbers such as 1e0 and -0": lambda body: _with_numbers(
        body, b"[1e0,-0,1E+2,0.10,-0.0,1.5e-3]"
    ),
    "with emoji as escaped surrogates": lambda body: _written(
        _noted(body, "\N{PARTY POPPER} \N{FAMILY}"), ensure_ascii=True
    ),
    "with text beyond the BMP": lambda body: _written(
        _noted(body, "\N{CJK UNIFIED IDEOGRAPH-20000}\N{MATHEMATICAL BOLD CAPITAL A}")
    ),
    "with U+2028 as an escape": lambda body: _with_raw(body, b'"a\\u2028b\\u2029c"'),
    "with escaped control characters": lambda body: _with_raw(body, b'"\\b\\f\\u001b\\u007f"'),
    "with names in composed letters": lambda body: _written(
        _noted(body, unicodedata.normalize("NFC", _NAME))
    ),
    "with names in combined letters": lambda body: _written(
        _noted(body, unicodedata.normalize("NFD", _NAME))
    ),
    "with U+FFFD": lambda body: _written(_noted(body, f"Zo{REPLACEMENT}")),
    "with its trigger event last": _trigger_last,
    # Not lawful JSON (RFC 8259 section 8.1), and ignored by many a parser.
    "behind a byte order mark": lambda body: BOM + body,
}


def _after(body: bytes, mark: bytes, pattern: bytes) -> bytes:
    """*body* with the first byte that *pattern* finds after *mark* replaced by its neighbour."""
    start = body.index(mark) + len(mark)
    found = re.compile(pattern).search(body, start)
    if found is None:
        raise ValueError(f"nothing to change after {mark!r}")
    place = found.start(1)
    return body[:place] + _neighbour(body[place]) + body[place + 1 :]


def _neighbour(byte: int) -> bytes:
    """Another letter, or another digit."""
    return bytes([byte - 1 if chr(byte) in "zZ9" else byte + 1])


#: Changes of one place, by what a feature file calls them.
CHANGES: Mapping[str, Callable[[bytes], bytes]] = {
    "the first byte changed": lambda body: b"[" + body[1:],
    "the last byte changed": lambda body: body[:-1] + b"]",
    "the last byte was cut off": lambda body: body[:-1],
    "one byte was added at the end": lambda body: body + b"}",
    "a space was added at the beginning": lambda body: b" " + body,
    "a byte order mark was put before it": lambda body: BOM + body,
    "one digit of createdAt changed": lambda body: _after(
        body, b'"createdAt":"', rb"\d{4}-\d\d-\d\dT\d(\d)"
    ),
    "one digit of the end changed": lambda body: _after(
        body, b'"endTime":"', rb"\d{4}-\d\d-\d\dT\d\d:\d(\d)"
    ),
    "one letter of the organizer's name changed": lambda body: _after(
        body, b'"organizer":{', rb'"name":"([^"\\])'
    ),
    "one letter of an address changed": lambda body: _after(
        body, b'"attendees":[', rb'"email":"[^"A-Za-z]*([A-Za-z])'
    ),
    "one letter of the metadata changed": lambda body: _after(
        body, b'"metadata":{', rb"([A-Za-z0-9])"
    ),
    "one digit of a number changed": lambda body: _after(body, b'"eventTypeId"', rb":(\d)"),
    "one letter of a key changed": lambda body: _after(body, b'"payload":{', rb'"([a-z])'),
    "one letter became an escape": lambda body: re.sub(
        rb'("title":"[^"\\]*?)([A-Za-z])',
        lambda found: found[1] + f"\\u{found[2][0]:04x}".encode(),
        body,
        count=1,
    ),
    "two letters of the title traded places": lambda body: re.sub(
        rb'("title":"[^"]*?)([A-Za-z])(?!\2)([A-Za-z])', rb"\1\3\2", body, count=1
    ),
}
