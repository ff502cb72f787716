"""
Disturbances that lie in what is sent: each spoils a delivery in exactly one way.

Pure.  Disturbances of the transport (torn, slow, abandoned) are in `wire`; the number and order of
attempts is the caller's: a redelivery is the same `Delivery` sent again.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Literal, get_args

from mock_calcom import signature as signing
from mock_calcom.delivery import Delivery, compose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_calcom.delivery import Subscription
    from mock_calcom.occurrences import Occurrence

#: Where `tampered` changes the body.
Where = Literal["start", "middle", "end", "key", "number", "space", "newline"]
PLACES: tuple[str, ...] = get_args(Where)

#: How `respelled` writes the right signature wrongly.
Spelling = Literal[
    "prefixed", "prefixed-twice", "upper", "base64", "short", "long", "quoted", "spaced"
]
SPELLINGS: tuple[str, ...] = get_args(Spelling)

#: A JSON string and, if it is a key, its colon.
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTER = re.compile(rb"[A-Za-z]")
_NUMBER = re.compile(rb"(?<=:)[1-9][0-9]*(?=[,}])")


def tampered(delivery: Delivery, where: Where = "middle") -> Delivery:
    """
    The delivery with its body changed after signing, and still JSON if it was JSON.

    Args:
        delivery: the honest one.
        where: which part changes: a letter of the first, a middle or the last string ("start",
            "middle", "end"), a letter of a key ("key"), a number ("number"), or a space or a line
            end added behind the body ("space", "newline").

    Raises:
        ValueError: if the body has no such part.
    """
    body = delivery.body
    if where == "space":
        return delivery.with_body(body + b" ")
    if where == "newline":
        return delivery.with_body(body + b"\n")
    spots = _spots(body, where)
    if not spots:
        raise ValueError(f"this body has nothing to tamper with at {where!r}")
    spot = spots[{"start": 0, "end": -1}.get(where, len(spots) // 2)]
    changed = bytearray(body)
    changed[spot] = _other(changed[spot])
    return delivery.with_body(bytes(changed))


def unsigned(delivery: Delivery) -> Delivery:
    """The delivery as Cal.com sends it for a subscription without a secret."""
    return signature(delivery, signing.UNSIGNED)


def without_signature(delivery: Delivery) -> Delivery:
    """The delivery without the signature header."""
    return delivery.without_header(signing.HEADER)


def signed_with(delivery: Delivery, secret: str) -> Delivery:
    """The delivery signed with another secret, which may be empty."""
    digest = signing.sign(delivery.body, secret) if secret else _empty_key(delivery.body)
    return signature(delivery, digest)


def signature(delivery: Delivery, value: str) -> Delivery:
    """The delivery with exactly this text in its signature header."""
    return delivery.with_header(signing.HEADER, value)


def renamed(delivery: Delivery, name: str) -> Delivery:
    """The delivery with its signature under another header."""
    value = delivery.header(signing.HEADER)
    bare = delivery.without_header(signing.HEADER)
    return bare if value is None else bare.with_header(name, value)


def respelled(delivery: Delivery, spelling: Spelling) -> Delivery:
    """
    The right signature, written in a way that Cal.com never does.

    Raises:
        ValueError: if the delivery has no hexadecimal signature to respell.
    """
    digest = delivery.header(signing.HEADER) or ""
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError("only a delivery that is signed can have its signature respelled")
    spelled = {
        "prefixed": f"sha256={digest}",
        "prefixed-twice": f"sha256=sha256={digest}",
        "upper": digest.upper(),
        "base64": base64.b64encode(bytes.fromhex(digest)).decode(),
        "short": digest[:-2],
        "long": f"{digest}zz",
        "quoted": f'"{digest}"',
        "spaced": f"{digest[:32]} {digest[32:]}",
    }
    return signature(delivery, spelled[spelling])


def duplicate(occurrence: Occurrence, subscription: Subscription, ms: int = 7) -> Delivery:
    """
    Another delivery of the same occurrence, made *ms* milliseconds later.

    Only `createdAt` differs, and with it the signature.  A sender that writes whole seconds makes
    the next whole second of it.  A flat body shows no `createdAt`: there the bytes stay the same.
    """
    step = subscription.profile.resolution_ms
    later = occurrence.at + dt.timedelta(milliseconds=-(-ms // step) * step)
    return compose(occurrence, subscription, created_at=later)


def reordered(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries in the opposite order, as a network may bring them."""
    return list(reversed(deliveries))


def redelivered(delivery: Delivery, times: int) -> list[Delivery]:
    """The same delivery *times* over: identical bytes, one after another or at once."""
    return [delivery] * times


#: The faults that need no further choice, by name.
FAULTS: dict[str, Callable[[Delivery], Delivery]] = {
    "tampered": tampered,
    "unsigned": unsigned,
    "without-signature": without_signature,
    "wrong-secret": lambda delivery: signed_with(delivery, "not-the-secret"),
    "prefixed": lambda delivery: respelled(delivery, "prefixed"),
    "upper": lambda delivery: respelled(delivery, "upper"),
    "short": lambda delivery: respelled(delivery, "short"),
    "long": lambda delivery: respelled(delivery, "long"),
}


def _spots(body: bytes, where: str) -> list[int]:
    """The offsets of the bytes that may change at *where* without breaking the JSON."""
    if where == "number":
        return [match.start() for match in _NUMBER.finditer(_without_strings(body))]
    spots: list[int] = []
    strings = list(_STRING.finditer(body))
    for string in strings:
        if (string.group(2) is not None) != (where == "key"):
            continue
        text = _ESCAPE.sub(lambda escape: b"\0" * len(escape.group()), string.group(1))
        spots += [string.start(1) + letter.start() for letter in _LETTER.finditer(text)]
    if not strings and where != "key":
        # Not JSON text at all: a templated body.
        return [letter.start() for letter in _LETTER.finditer(body)]
    return spots


def _without_strings(body: bytes) -> bytes:
    """The body with every string blanked, at its old length."""
    return _STRING.sub(lambda s: b"\0" * (len(s.group()) - 1) + s.group()[-1:], body)


def _other(byte: int) -> int:
    """Another letter of the same case, or another digit that may stand first."""
    letter = chr(byte)
    if letter in "zZ9":
        return byte - 1
    return byte + 1


def _empty_key(body: bytes) -> str:
    """An HMAC with the empty key: what a receiver without a secret would compute."""
    return hmac.new(b"", body, hashlib.sha256).hexdigest()
